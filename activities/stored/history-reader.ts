/** One run of a workflow as the server has it. */
export interface FetchedHistory {
  readonly workflowId: string;
  readonly runId: string;
  /** As `encodeHistory` gives it. */
  readonly bytes: Uint8Array;
  /** Whether its last event ends the run: completed, failed, cancelled, terminated, timed out or continued as new. */
  readonly closed: boolean;
  /** The run that this one continues, where it continues one. */
  readonly continuedFrom: string | null;
}

/** Where histories are read from: a Temporal server. */
export interface HistoryReader {
  /**
   * @param runId @default the latest run
   * @returns null where the server knows no such workflow or run any more
   * @throws ServerUnreachableError and the client's errors
   */
  fetch(workflowId: string, runId?: string): Promise<FetchedHistory | null>;
}

/** Visits a run (the latest where none is named) and all that it continues, newest first, as far back as the server remembers; one history at a time is in memory. */
export async function forEachRun(
  reader: HistoryReader,
  { workflowId, runId }: { readonly workflowId: string; readonly runId?: string | undefined },
  visit: (history: FetchedHistory) => Promise<void>,
): Promise<'found' | 'gone'> {
  let found = await reader.fetch(workflowId, runId);
  if (found === null) return 'gone';
  while (found !== null) {
    await visit(found);
    const previous: string | null = found.continuedFrom;
    found = previous === null ? null : await reader.fetch(workflowId, previous);
  }
  return 'found';
}

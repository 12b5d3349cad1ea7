import type { HistoryReader } from '../activities/stored/history-reader';
import { historiesDocument, parseHistoryFileName } from '../record/documents/histories';
import { manifestKeys } from '../record/keys';
import { hashBytes } from '../storage/content-hash';
import type { CampaignRecord } from './campaign-record';
import type { WorkflowRun } from './history-events';

/** Where histories are that no archive has yet: of what runs, or has just ended. */
export const ON_SERVER = 'the server';

export interface FoundHistory extends WorkflowRun {
  readonly bytes: Uint8Array;
  /** Where it was found, for messages. */
  readonly where: string;
}

/** Where an audit or an export finds histories. */
export interface HistorySource {
  /** Runs that a source lists by itself: where the search of the tree begins, and what it must not leave out. */
  known(): Promise<readonly WorkflowRun[]>;
  /**
   * @returns null where there is none
   * @throws HistoryChangedError where what is there is not what was recorded
   */
  find(run: WorkflowRun): Promise<FoundHistory | null>;
  /** Whether the record says that the server had forgotten this workflow before it could be archived. */
  wasGone(workflowId: string): boolean;
}

/** A history's bytes do not have the hash that was recorded. */
export class HistoryChangedError extends Error {
  override readonly name = 'HistoryChangedError';
  readonly expected: string;
  readonly got: string;
  readonly where: string;

  constructor(where: string, expected: string, got: string) {
    super(`${where}: expected ${expected}, got ${got}`);
    this.where = where;
    this.expected = expected;
    this.got = got;
  }
}

interface Archived extends WorkflowRun {
  readonly sha256: string;
  readonly where: string;
}

/** Histories that the campaign's record names: the pages of its archive. */
export class ArchivedHistories implements HistorySource {
  readonly #record: CampaignRecord;
  readonly #runs = new Map<string, Archived>();
  readonly #gone = new Set<string>();

  constructor(record: CampaignRecord) {
    this.#record = record;
    for (const { one: { key, manifest, summary } } of record.documents(historiesDocument, manifestKeys.historyPage)) {
      for (const workflowId of summary.gone) this.#gone.add(workflowId);
      for (const [name, { sha256 }] of Object.entries(manifest.files)) {
        const run = parseHistoryFileName(name);
        if (run !== null) this.#runs.set(runKey(run), { ...run, sha256, where: `${key}: ${name}` });
      }
    }
  }

  known(): Promise<readonly WorkflowRun[]> {
    return Promise.resolve([...this.#runs.values()]);
  }

  /** Its hash as archived, where it was. */
  sha256Of(run: WorkflowRun): string | null {
    return this.#runs.get(runKey(run))?.sha256 ?? null;
  }

  async find(run: WorkflowRun): Promise<FoundHistory | null> {
    const archived = this.#runs.get(runKey(run));
    if (archived === undefined) return null;
    const { sha256, where } = archived;
    const bytes = await this.#record.store.readBytes(`sha256/${sha256}`);
    if (bytes === null) throw new HistoryChangedError(where, `sha256 ${sha256}`, `nothing in ${this.#record.store.location}`);
    const got = hashBytes(bytes).sha256;
    if (got !== sha256) throw new HistoryChangedError(where, `sha256 ${sha256}`, `sha256 ${got}`);
    return { ...run, bytes, where };
  }

  wasGone(workflowId: string): boolean {
    return this.#gone.has(workflowId);
  }
}

/** Histories on the server: of what still runs, and of what was never archived. */
export class ServerSource implements HistorySource {
  readonly #reader: HistoryReader;
  readonly #roots: () => Promise<readonly WorkflowRun[]>;

  /** @param roots runs of the campaign's own workflow */
  constructor(reader: HistoryReader, roots: () => Promise<readonly WorkflowRun[]>) {
    this.#reader = reader;
    this.#roots = roots;
  }

  known(): Promise<readonly WorkflowRun[]> {
    return this.#roots();
  }

  async find({ workflowId, runId }: WorkflowRun): Promise<FoundHistory | null> {
    const found = await this.#reader.fetch(workflowId, runId);
    return found === null ? null : { workflowId, runId, bytes: found.bytes, where: ON_SERVER };
  }

  wasGone(): boolean {
    return false;
  }
}

/** The first source that has a history gives it. */
export class FirstOf implements HistorySource {
  readonly #sources: readonly HistorySource[];

  constructor(sources: readonly HistorySource[]) {
    this.#sources = sources;
  }

  async known(): Promise<readonly WorkflowRun[]> {
    const lists = await Promise.all(this.#sources.map((source) => source.known()));
    return [...new Map(lists.flat().map((run) => [runKey(run), run])).values()];
  }

  async find(run: WorkflowRun): Promise<FoundHistory | null> {
    for (const source of this.#sources) {
      const found = await source.find(run);
      if (found !== null) return found;
    }
    return null;
  }

  wasGone(workflowId: string): boolean {
    return this.#sources.some((source) => source.wasGone(workflowId));
  }
}

export function runKey({ workflowId, runId }: WorkflowRun): string {
  return `${workflowId} ${runId}`;
}

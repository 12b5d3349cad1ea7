import { decodeHistory, type History } from '../activities/stored/history-bytes';
import { workflowIds } from '../campaign/campaign';
import { readAhead } from '../record/bounded-reads';
import type { Findings } from './findings';
import { type HistoryFacts, historyFacts, type WorkflowRun } from './history-events';
import { type FoundHistory, HistoryChangedError, type HistorySource, runKey } from './history-source';

export interface WalkedHistory extends FoundHistory {
  readonly history: History;
  readonly facts: HistoryFacts;
  /** How many histories those that were walked so far, and the archive, name. */
  readonly known: number;
}

/** Histories in memory at once, as the server has them: one may have 50 MB. */
const FETCHED_AT_ONCE = 4;

/**
 * Every history of a campaign's tree, a few in memory at a time, always in the same order: those that a source knows of, the children that they started, and
 * the runs that they went on to or came from. What a history names and no source has is a finding.
 */
export async function* walkHistories(campaignId: string, source: HistorySource, findings: Findings): AsyncGenerator<WalkedHistory> {
  const tree: { readonly run: WorkflowRun; readonly by: string }[] = [];
  const seen = new Set<string>();
  const visit = (run: WorkflowRun, by: string): void => {
    if (seen.has(runKey(run))) return;
    seen.add(runKey(run));
    tree.push({ run, by });
  };
  for (const run of await source.known()) visit(run, 'the archive');
  for await (const [{ run, by }, found] of readAhead(tree, ({ run }) => findOrChange(source, run), FETCHED_AT_ONCE)) {
    if (found instanceof HistoryChangedError) {
      findings.add('history-changed', found.where, found.expected, found.got);
      continue;
    }
    if (found === null) {
      nameMissing(campaignId, source, run, by, findings);
      continue;
    }
    const what = `history of ${run.workflowId}, run ${run.runId}`;
    const history = decoded(found, what, findings);
    if (history === null) continue;
    const facts = historyFacts(history);
    for (const child of facts.children) visit(child, what);
    if (facts.next !== null) visit({ workflowId: run.workflowId, runId: facts.next }, what);
    // What came before may have been forgotten by the server before anything was archived.
    if (facts.previous !== null) visit({ workflowId: run.workflowId, runId: facts.previous }, what);
    yield { ...found, history, facts, known: tree.length };
  }
  const own = workflowIds.campaign(campaignId);
  if (!tree.some(({ run }) => run.workflowId === own) && !source.wasGone(own)) {
    findings.add('history-missing', `history of ${own}`, 'that of the campaign itself, to begin with', 'none');
  }
}

async function findOrChange(source: HistorySource, run: WorkflowRun): Promise<FoundHistory | HistoryChangedError | null> {
  try {
    return await source.find(run);
  } catch (error) {
    if (!(error instanceof HistoryChangedError)) throw error;
    return error;
  }
}

function decoded({ bytes }: FoundHistory, what: string, findings: Findings): History | null {
  try {
    const history = decodeHistory(bytes);
    if ((history.events ?? []).length > 0) return history;
    findings.add('history-changed', what, 'a history', 'one without events');
    return null;
  } catch (error) {
    findings.add('history-changed', what, 'a history', error instanceof Error ? error.message : String(error));
    return null;
  }
}

function nameMissing(campaignId: string, source: HistorySource, run: WorkflowRun, by: string, findings: Findings): void {
  if (source.wasGone(run.workflowId)) return findings.leftUnchecked('histories that the server had forgotten before they were archived');
  // Keeps the campaign's history after its end; nobody keeps its own.
  if (run.workflowId.startsWith(`${campaignId}/archive/`)) return findings.leftUnchecked('histories of archivists, which no result comes from');
  findings.add('history-missing', `history of ${run.workflowId}, run ${run.runId}`, `a history, which ${by} names`, 'none');
}

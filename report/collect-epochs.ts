import { type EpochVersion, scopes, workflowIds } from '../campaign/campaign';
import { readAll } from '../record/bounded-reads';
import { candidateDocument, type CandidateRecord } from '../record/documents/candidates';
import { selectionDocument, selectionFile } from '../record/documents/epochs';
import type { CandidateRow, ReportedEpoch } from '../record/documents/report';
import { type Proposal, proposalsDocument, proposalsFile } from '../record/documents/self-edits';
import { manifestKeys } from '../record/keys';
import type { ArtifactStore } from '../storage/artifact-store';
import { endedCandidates, readEnd } from '../record/candidate-outcomes';

export interface CollectedEpoch {
  /** Null until selection. */
  readonly summary: ReportedEpoch | null;
  readonly candidates: readonly CandidateRow[];
}

/** An epoch's candidates: all of them once selection has been recorded, else those that have ended. */
export async function collectEpoch(
  store: ArtifactStore,
  campaignId: string,
  versions: EpochVersion,
  titles: ReadonlyMap<string, string>,
): Promise<CollectedEpoch> {
  const { epoch } = versions;
  const scope = scopes.epoch(epoch, versions.candidates);
  const recorded = await selectionDocument.find(store, manifestKeys.selection(campaignId, epoch, versions.selection));
  const selection = recorded === null ? null : await selectionFile.read(store, recorded);
  const kept = new Set(selection?.kept.map(nameOf));
  const known: readonly KnownCandidate[] = selection?.outcomes ?? (await endedSoFar(store, campaignId, scope));
  const selfEdits = known.length === 0 ? new Map<string, Proposal>() : await proposals(store, campaignId, scope);
  const candidates = await readAll(known, async (outcome): Promise<CandidateRow> => {
    const { contextId, candidate, reason } = outcome;
    const record = await candidateRecord(store, campaignId, scope, outcome);
    const scored = record?.status === 'scored' ? record : null;
    const selfEdit = selfEdits.get(nameOf(outcome));
    return {
      id: workflowIds.candidate(campaignId, epoch, contextId, candidate, versions.candidates),
      epoch,
      contextId,
      title: titles.get(contextId) ?? '',
      candidate,
      status: outcome.status,
      reward: outcome.status === 'scored' ? (scored?.reward ?? null) : null,
      repeatRewards: scored?.repeatRewards ?? [],
      selected: kept.has(nameOf(outcome)),
      steps: scored?.steps ?? null,
      trainedTokens: scored?.trainedTokens ?? null,
      reason: reason ?? '',
      adapters: scored?.adapters ?? [],
      selfEditCharacters: selfEdit === undefined ? null : characters(selfEdit.text),
      isCutOff: selfEdit?.isCutOff ?? false,
      memoryParts: scored?.memoryParts ?? 1,
    };
  });
  const cutOff = candidates.filter(({ isCutOff }) => isCutOff).length;
  return { summary: recorded === null ? null : { ...recorded.summary, cutOff }, candidates };
}

interface KnownCandidate {
  readonly contextId: string;
  readonly candidate: number;
  readonly status: CandidateRow['status'];
  readonly reason?: string;
}

function nameOf({ contextId, candidate }: Pick<KnownCandidate, 'contextId' | 'candidate'>): string {
  return `${contextId}/c${candidate}`;
}

/** Candidates of an unfinished epoch that have ended. */
async function endedSoFar(store: ArtifactStore, campaignId: string, scope: string): Promise<KnownCandidate[]> {
  const ended = await endedCandidates(store, campaignId, scope);
  return readAll([...ended.values()], async (record): Promise<KnownCandidate> => {
    const { contextId, candidate } = record;
    const end = await readEnd(store, record);
    return { contextId, candidate, status: end.status, ...(end.status !== 'scored' && { reason: end.reason }) };
  });
}

async function candidateRecord(
  store: ArtifactStore,
  campaignId: string,
  scope: string,
  { contextId, candidate }: KnownCandidate,
): Promise<CandidateRecord | null> {
  return (await candidateDocument.find(store, manifestKeys.candidate(campaignId, scope, contextId, candidate)))?.summary ?? null;
}

/** Each proposed self-edit, by context and candidate. */
async function proposals(store: ArtifactStore, campaignId: string, scope: string): Promise<Map<string, Proposal>> {
  const list = await proposalsFile.read(store, await proposalsDocument.read(store, manifestKeys.proposals(campaignId, scope)));
  return new Map(list.map((proposal) => [nameOf(proposal), proposal]));
}

/** Unicode characters. */
export function characters(text: string): number {
  return [...text].length;
}

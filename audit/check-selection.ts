/** What was kept follows from rewards, the M-step's rows from what was kept. */
import { type CampaignInput, scopes } from '../campaign/campaign';
import { wordingOf } from '../record/documents/campaign';
import { candidateDocument, failedCandidateDocument, type FailureRecord, unadaptedFile } from '../record/documents/candidates';
import { rowsFile, type Selection, selectionFile } from '../record/documents/epochs';
import { proposalsFile } from '../record/documents/self-edits';
import { manifestKeys } from '../record/keys';
import type { Domain, ProposalWording } from '../seal/domains/domain';
import { epochSummary } from '../seal/report-data';
import { selectSelfEdits, unadaptedRewardOf } from '../seal/algorithm/selection';
import { mean } from '../seal/statistics/statistics';
import type { CampaignRecord, RecordedManifest } from './campaign-record';
import { contextsOf } from './contexts';
import type { Findings } from './findings';

export async function checkSelection(record: CampaignRecord, input: CampaignInput, domain: Domain, findings: Findings): Promise<void> {
  for (const { one, at: { epoch, version } } of record.matching(manifestKeys.selection)) {
    const selection = await record.json(one, selectionFile);
    if (selection === null) continue;
    findings.same('selection', `${one.key}: settings`, input.spec.selection, one.manifest.lineage.settings);
    const outcomes = selection.outcomes.map(({ reward, ...outcome }) => ({ ...outcome, ...(reward === undefined ? {} : { reward }) }));
    findings.same('selection', `${one.key}: summary`, epochSummary(epoch, outcomes, selection.kept.length), one.manifest.summary);
    const proposals = one.manifest.lineage.inputs['proposals'];
    if (proposals === undefined) findings.add('selection', `${one.key}: proposals`, 'those that were chosen among', 'none');
    const from = candidateScopes(record, scopes.epoch(epoch), proposals);
    // A hash that nothing has is named by the check of lineage. Each candidate would be a break for that alone.
    if (from.length === 0) {
      findings.leftUnchecked(`candidates, choice and rows of ${one.key}: the proposals that it names are not there`);
      continue;
    }
    checkOutcomes(record, one.key, from, selection, findings);
    const unadapted = await unadaptedMeans(record, from);
    const { kept } = selectSelfEdits(selection.outcomes, input.spec.selection, (contextId) =>
      unadaptedRewardOf(input.spec.reward.grader, unadapted.get(contextId) ?? 0),
    );
    findings.same('selection', `${one.key}: kept`, kept.map(({ contextId, candidate }) => ({ contextId, candidate })), selection.kept);
    const training = record.find(manifestKeys.policyTraining(record.campaignId, epoch, version));
    if (training !== null) await checkRows(record, input, domain, { selection, training, from }, findings);
  }
}

/** Scopes whose proposals these candidates were: of versions with the same proposals, all. */
function candidateScopes(record: CampaignRecord, scope: string, proposals: string | undefined): string[] {
  return record
    .matching(manifestKeys.proposals)
    .filter(({ one, at }) => scopes.unversioned(at.scope) === scope && proposals !== undefined && one.manifest.files[proposalsFile.name]?.sha256 === proposals)
    .map(({ at }) => at.scope);
}

function checkOutcomes(record: CampaignRecord, key: string, from: readonly string[], { outcomes }: Selection, findings: Findings): void {
  const failures = failuresIn(record, from);
  for (const { contextId, candidate, status, reward, reason, failure } of outcomes) {
    if (status === 'failed') {
      // Of several passes any may be the one that this selection saw.
      const recorded = failures.get(`${contextId}/c${candidate}`) ?? [];
      const agrees = recorded.some((one) => one.reason === reason && one.failure === failure);
      if (!agrees) findings.add('selection', `${key}: ${contextId}/c${candidate}`, recorded.length === 0 ? 'a record of why the candidate failed' : recorded.map(outcomeOf).join(' or '), outcomeOf({ status, reward, reason }));
      continue;
    }
    const records = from.flatMap((scope) => record.document(candidateDocument, manifestKeys.candidate(record.campaignId, scope, contextId, candidate)) ?? []);
    const summaries = records.map(({ summary }) => summary);
    const what = `${key}: ${contextId}/c${candidate}`;
    if (summaries.length === 0) findings.add('selection', what, `a record of the candidate, which was ${status}`, 'none');
    const agrees = summaries.some((own) =>
      own.status === 'scored' ? status === 'scored' && own.reward === reward : status === 'rejected' && (reason === undefined || own.reason === reason),
    );
    if (summaries.length > 0 && !agrees) findings.add('selection', what, summaries.map(outcomeOf).join(' or '), outcomeOf({ status, reward, reason }));
  }
}

/** Why candidates failed, in any pass, by name. */
function failuresIn(record: CampaignRecord, from: readonly string[]): ReadonlyMap<string, readonly FailureRecord[]> {
  const failures = new Map<string, FailureRecord[]>();
  for (const { one, at } of record.documents(failedCandidateDocument, manifestKeys.failedCandidate)) {
    if (!from.includes(at.scope)) continue;
    const name = `${at.contextId}/c${at.candidate}`;
    failures.set(name, [...(failures.get(name) ?? []), one.summary]);
  }
  return failures;
}

function outcomeOf({ status, reward, reason }: { readonly status: string; readonly reward?: number | undefined; readonly reason?: string | undefined }): string {
  return `${status}${reward === undefined ? '' : `, reward ${reward}`}${reason === undefined ? '' : `, ${reason}`}`;
}

async function unadaptedMeans(record: CampaignRecord, from: readonly string[]): Promise<Map<string, number>> {
  const means = new Map<string, number>();
  for (const { one, at } of record.matching(manifestKeys.unadapted)) {
    if (!from.includes(at.scope)) continue;
    const chunk = await record.json(one, unadaptedFile);
    for (const { contextId, answers } of chunk ?? []) means.set(contextId, mean(answers.map(({ score }) => score)));
  }
  return means;
}

interface TrainedOn {
  readonly selection: Selection;
  readonly training: RecordedManifest;
  readonly from: readonly string[];
}

async function checkRows(record: CampaignRecord, input: CampaignInput, domain: Domain, { selection, training, from }: TrainedOn, findings: Findings): Promise<void> {
  const proposals = record.find(manifestKeys.proposals(record.campaignId, from[0]!));
  const [list, contexts, rows, wording] = await Promise.all([
    proposals === null ? null : record.json(proposals, proposalsFile),
    contextsOf(record, input, domain, 'train'),
    record.json(training, rowsFile),
    wordingIn(record, input),
  ]);
  if (list === null || contexts === null || rows === null || wording === null) return;
  const selfEdits = new Map(list.map((proposal) => [`${proposal.contextId}/c${proposal.candidate}`, proposal]));
  const tasks = new Map(contexts.map(({ id, task }) => [id, task]));
  const expected = selection.kept.flatMap(({ contextId, candidate }) => {
    const selfEdit = selfEdits.get(`${contextId}/c${candidate}`);
    const row = !tasks.has(contextId) || selfEdit === undefined ? null : domain.policyRow(tasks.get(contextId), selfEdit, wording);
    return row === null ? [] : [row];
  });
  findings.same('selection', `${training.key}: ${rowsFile.name}`, expected, rows);
}

/** Null where the campaign's template is not what was pinned. */
async function wordingIn({ store }: CampaignRecord, input: CampaignInput): Promise<ProposalWording | null> {
  const { template } = input;
  const isPinned = template === undefined || (await store.hashOf(template))?.sha256 === template.sha256;
  return isPinned ? wordingOf(store, input) : null;
}

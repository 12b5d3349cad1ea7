/** What was kept follows from rewards, the M-step's rows from what was kept. */
import type { Answer } from '../activities/answers/answers';
import type { CandidateRecord } from '../activities/candidates/candidate-record';
import { ANSWERS_FILE } from '../activities/candidates/evaluation-manifests';
import type { Proposal } from '../activities/candidates/proposals';
import { PROPOSALS_FILE } from '../activities/collect-proposals';
import type { FailureRecord } from '../activities/record-failures';
import { SELECTION_FILE, type SelectionRecord } from '../activities/select-self-edits';
import type { CampaignInput } from '../contracts/campaign';
import { type Context, promptOf } from '../contracts/campaign-spec';
import type { Domain, ProposalWording } from '../seal/domain';
import { epochSummary } from '../seal/report-data';
import { selectSelfEdits, unadaptedRewardOf } from '../seal/selection';
import { mean } from '../seal/statistics';
import type { CampaignRecord, RecordedManifest } from './campaign-record';
import type { Findings } from './findings';
import { places, unversioned } from './record-places';

export async function checkSelection(record: CampaignRecord, input: CampaignInput, domain: Domain, findings: Findings): Promise<void> {
  for (const { one, parts } of record.matching(places.selection)) {
    const [scope = '', epoch] = parts;
    const selection = await record.json<SelectionRecord>(one, SELECTION_FILE);
    if (selection === null) continue;
    findings.same('selection', `${one.key}: settings`, input.spec.selection, one.manifest.lineage.settings);
    const outcomes = selection.outcomes.map(({ reward, ...outcome }) => ({ ...outcome, ...(reward === undefined ? {} : { reward }) }));
    findings.same('selection', `${one.key}: summary`, epochSummary(Number(epoch), outcomes, selection.kept.length), one.manifest.summary);
    const proposals = one.manifest.lineage.inputs['proposals'];
    if (proposals === undefined) findings.add('selection', `${one.key}: proposals`, 'those that were chosen among', 'none');
    const from = candidateScopes(record, scope, proposals);
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
    const training = record.find(`${one.key.slice(0, -'selection.json'.length)}policy-training.json`);
    if (training !== null) await checkRows(record, input, domain, { selection, training, from }, findings);
  }
}

/** Scopes whose proposals these candidates were: of versions with the same proposals, all. */
function candidateScopes(record: CampaignRecord, scope: string, proposals: string | undefined): string[] {
  return record
    .matching(places.proposals)
    .filter(({ one, parts: [own = ''] }) => unversioned(own) === unversioned(scope) && proposals !== undefined && one.manifest.files[PROPOSALS_FILE]?.sha256 === proposals)
    .map(({ parts: [own = ''] }) => own);
}

function checkOutcomes(record: CampaignRecord, key: string, scopes: readonly string[], { outcomes }: SelectionRecord, findings: Findings): void {
  const failures = failuresIn(record, scopes);
  for (const { contextId, candidate, status, reward, reason, failure } of outcomes) {
    if (status === 'failed') {
      // Of several passes any may be the one that this selection saw.
      const recorded = failures.get(`${contextId}/c${candidate}`) ?? [];
      const agrees = recorded.some((one) => one.reason === reason && one.failure === failure);
      if (!agrees) findings.add('selection', `${key}: ${contextId}/c${candidate}`, recorded.length === 0 ? 'a record of why the candidate failed' : recorded.map(outcomeOf).join(' or '), outcomeOf({ status, reward, reason }));
      continue;
    }
    const records = scopes.flatMap((scope) => record.find(`campaigns/${record.campaignId}/${scope}/${contextId}/c${candidate}/candidate.json`) ?? []);
    const summaries = records.map(({ manifest }) => manifest.summary as unknown as CandidateRecord);
    const what = `${key}: ${contextId}/c${candidate}`;
    if (summaries.length === 0) findings.add('selection', what, `a record of the candidate, which was ${status}`, 'none');
    const agrees = summaries.some((own) =>
      own.status === 'scored' ? status === 'scored' && own.reward === reward : status === 'rejected' && (reason === undefined || own.reason === reason),
    );
    if (summaries.length > 0 && !agrees) findings.add('selection', what, summaries.map(outcomeOf).join(' or '), outcomeOf({ status, reward, reason }));
  }
}

/** Why candidates failed, in any pass, by name. */
function failuresIn(record: CampaignRecord, scopes: readonly string[]): ReadonlyMap<string, readonly FailureRecord[]> {
  const failures = new Map<string, FailureRecord[]>();
  for (const { one, parts: [scope = '', contextId, candidate] } of record.matching(places.failed)) {
    if (!scopes.includes(scope)) continue;
    const name = `${contextId}/c${candidate}`;
    failures.set(name, [...(failures.get(name) ?? []), one.manifest.summary as unknown as FailureRecord]);
  }
  return failures;
}

function outcomeOf({ status, reward, reason }: { readonly status: string; readonly reward?: number | undefined; readonly reason?: string | undefined }): string {
  return `${status}${reward === undefined ? '' : `, reward ${reward}`}${reason === undefined ? '' : `, ${reason}`}`;
}

async function unadaptedMeans(record: CampaignRecord, scopes: readonly string[]): Promise<Map<string, number>> {
  const means = new Map<string, number>();
  for (const { one, parts: [scope = ''] } of record.matching(places.unadapted)) {
    if (!scopes.includes(scope)) continue;
    const chunk = await record.json<{ readonly contextId: string; readonly answers: readonly Answer[] }[]>(one, ANSWERS_FILE);
    for (const { contextId, answers } of chunk ?? []) means.set(contextId, mean(answers.map(({ score }) => score)));
  }
  return means;
}

interface TrainedOn {
  readonly selection: SelectionRecord;
  readonly training: RecordedManifest;
  readonly from: readonly string[];
}

async function checkRows(record: CampaignRecord, input: CampaignInput, domain: Domain, { selection, training, from }: TrainedOn, findings: Findings): Promise<void> {
  const proposals = record.find(`campaigns/${record.campaignId}/${from[0]}/proposals.json`);
  const [list, contexts, rows, wording] = await Promise.all([
    proposals === null ? null : record.json<Proposal[]>(proposals, PROPOSALS_FILE),
    record.artifact(input.train) as Promise<Context[] | null>,
    record.json<unknown>(training, 'rows.json'),
    wordingOf(record, input),
  ]);
  if (list === null || contexts === null || rows === null || wording === null) return;
  const selfEdits = new Map(list.map((proposal) => [`${proposal.contextId}/c${proposal.candidate}`, proposal]));
  const indexes = new Map(input.trainContexts.map(({ id, index }) => [id, index]));
  const expected = selection.kept.flatMap(({ contextId, candidate }) => {
    const context = contexts[indexes.get(contextId) ?? -1];
    const selfEdit = selfEdits.get(`${contextId}/c${candidate}`);
    const row = context === undefined || selfEdit === undefined ? null : domain.policyRow(context, selfEdit, wording);
    return row === null ? [] : [row];
  });
  findings.same('selection', `${training.key}: rows.json`, expected, rows);
}

async function wordingOf(record: CampaignRecord, { template, spec }: CampaignInput): Promise<ProposalWording | null> {
  if (template === undefined) return { prompt: promptOf(spec) };
  const got = await record.store.hashOf(template);
  return got?.sha256 === template.sha256 ? { template: Buffer.from(await record.store.get(template)).toString('utf8') } : null;
}

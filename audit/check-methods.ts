/** Scores of methods follow from evaluations, the report from scores. */
import { runOf } from '../activities/summarise-method';
import { type CampaignInput, scopes } from '../campaign/campaign';
import { answersOf, evaluationDocument, groupAnswersFile, unadaptedFile } from '../record/documents/candidates';
import { runsFile } from '../record/documents/methods';
import { reportFile } from '../record/documents/report';
import { proposalsFile } from '../record/documents/self-edits';
import { manifestKeys } from '../record/keys';
import type { Domain } from '../seal/domains/domain';
import { comparisons, methodScore, type MethodRun, type MethodRuns } from '../seal/report-data';
import { canonicalJson } from '../storage/canonical-json';
import type { CampaignRecord, RecordedManifest } from './campaign-record';
import { contextsOf } from './contexts';
import type { Findings } from './findings';

export async function checkMethods(record: CampaignRecord, input: CampaignInput, domain: Domain, findings: Findings): Promise<void> {
  const known: MethodRuns[] = [];
  const contexts = await contextsOf(record, input, domain, 'heldOut');
  const placeOf = new Map(contexts?.map(({ id }, place) => [id, place]));
  for (const { one, at: { method: name, version } } of record.matching(manifestKeys.method)) {
    const method = await record.json(one, runsFile);
    if (method === null) continue;
    known.push(method);
    findings.same('method', `${one.key}: name`, name, method.name);
    findings.same('method', `${one.key}: grader`, input.spec.reward.grader, method.grader);
    findings.same('method', `${one.key}: summary`, methodScore(method), one.manifest.summary);
    const runs = await runsOf(record, placeOf, scopes.evaluation(name, version));
    if (runs !== null) findings.same('method', `${one.key}: ${runsFile.name}`, runs, method.runs);
  }
  for (const { one } of record.matching(manifestKeys.report)) await checkReport(record, one, known, findings);
}

/** The runs that a method's evaluations amount to, in their order; null where they cannot be read. */
async function runsOf(record: CampaignRecord, placeOf: ReadonlyMap<string, number>, scope: string): Promise<MethodRun[] | null> {
  const evaluations = record
    .documents(evaluationDocument, manifestKeys.evaluation)
    .filter(({ at }) => at.scope === scope)
    .sort(({ at: a }, { at: b }) => a.repeat - b.repeat || (placeOf.get(a.contextId) ?? 0) - (placeOf.get(b.contextId) ?? 0) || a.candidate - b.candidate);
  if (evaluations.length === 0) return unadaptedRuns(record, scope);
  const runs: MethodRun[] = [];
  for (const { one, at: { contextId, candidate } } of evaluations) {
    const file = await record.json(one, groupAnswersFile);
    if (file === null || !file.some((own) => own.contextId === contextId && own.candidate === candidate)) return null;
    runs.push(runOf(contextId, answersOf(file, contextId, candidate), one.summary));
  }
  return runs;
}

async function unadaptedRuns(record: CampaignRecord, scope: string): Promise<MethodRun[] | null> {
  const chunks = record
    .matching(manifestKeys.unadapted)
    .filter(({ at }) => at.scope === scope)
    .sort((a, b) => a.at.chunk - b.at.chunk);
  const runs: MethodRun[] = [];
  for (const { one } of chunks) {
    const chunk = await record.json(one, unadaptedFile);
    if (chunk === null) return null;
    runs.push(...chunk.map(({ contextId, answers }) => ({ contextId, questionScores: answers.map(({ score }) => score), trainedTokens: 0, steps: 0 })));
  }
  return runs;
}

/** What a report repeats of methods and epochs must be theirs, of whichever version counted when it was written. */
async function checkReport(record: CampaignRecord, one: RecordedManifest, methods: readonly MethodRuns[], findings: Findings): Promise<void> {
  const report = await record.json(one, reportFile);
  if (report === null) return;
  const scores = new Set(methods.map((method) => canonicalJson(methodScore(method))));
  for (const score of report.methods) {
    if (!scores.has(canonicalJson(score))) findings.add('report', `${one.key}: ${score.name}`, 'the score of a method of this record', score);
  }
  const epochs = record.matching(manifestKeys.selection).map(({ one: selection }) => canonicalJson(selection.manifest.summary));
  for (const { cutOff: _cutOff, ...epoch } of report.epochs) {
    if (!epochs.includes(canonicalJson(epoch))) findings.add('report', `${one.key}: epoch ${epoch.epoch}`, 'the summary of a selection of this record', epoch);
  }
  for (const { epoch, cutOff } of report.epochs) {
    const counts = await cutOffCounts(record, epoch);
    if (counts.length > 0 && !counts.includes(cutOff)) findings.add('report', `${one.key}: epoch ${epoch}: cutOff`, counts.join(' or '), cutOff);
  }
  const counted = report.methods.flatMap((score) => methods.find((method) => canonicalJson(methodScore(method)) === canonicalJson(score)) ?? []);
  findings.same('report', `${one.key}: comparisons`, comparisons(counted), report.comparisons);
  findings.same('report', `${one.key}: campaignId`, record.campaignId, report.campaignId);
}

/** Of each version of an epoch whose proposals can be read. */
async function cutOffCounts(record: CampaignRecord, epoch: number): Promise<number[]> {
  const own = record.matching(manifestKeys.proposals).filter(({ at }) => scopes.unversioned(at.scope) === scopes.epoch(epoch));
  const lists = await Promise.all(own.map(({ one }) => record.json(one, proposalsFile)));
  return lists.flatMap((list) => (list === null ? [] : [list.filter(({ isCutOff = false }) => isCutOff).length]));
}

/** Histories replay against today's workflows, agree with the store, and name who acted. */
import type { DataConverter, PayloadCodec } from '@temporalio/common';
import { Worker, type WorkflowBundleOption } from '@temporalio/worker';
import type { z } from 'zod';
import { campaignMessages, type EpochSummary, type MethodScore } from '../campaign/campaign';
import { candidateDocument } from '../record/documents/candidates';
import { parsedBy } from '../record/json-file';
import { candidateKeyOf, manifestKeys } from '../record/keys';
import type { CampaignRecord } from './campaign-record';
import { Findings } from './findings';
import { activityResults, inputOf, operatorUpdates, resultOf } from './history-events';
import { type HistorySource, ON_SERVER } from './history-source';
import { type WalkedHistory, walkHistories } from './walk-histories';
import { campaignResult, candidateResult, epochResult, reportResult, signature, summariseMethodResult, type ToldOutcome } from './workflow-results';

/** What replaying needs; `workers/` makes the bundle. */
export interface Replaying {
  readonly workflowBundle: WorkflowBundleOption;
  /** Of a campaign whose payloads are encrypted. */
  readonly dataConverter?: DataConverter;
  readonly codecs: readonly PayloadCodec[];
}

/** An operator's action, from a history. */
export interface RecordedAction {
  readonly update: string;
  readonly by: string;
  readonly why: string;
  /** ISO 8601. */
  readonly at: string;
}

/** Told after every history. @param known how many are known of by now: each may name more */
export type HistoryProgress = (done: number, known: number) => void;

export interface CheckedHistories {
  /** Histories that were replayed. */
  readonly histories: number;
  readonly actions: readonly RecordedAction[];
}

export async function checkHistories(record: CampaignRecord, source: HistorySource, replaying: Replaying, findings: Findings, progress?: HistoryProgress): Promise<CheckedHistories> {
  const actions: RecordedAction[] = [];
  let histories = 0;
  const { workflowBundle, dataConverter, codecs } = replaying;
  async function* checked(): AsyncGenerator<{ workflowId: string; history: WalkedHistory['history'] }> {
    for await (const walked of walkHistories(record.campaignId, source, findings)) {
      try {
        // Also of one that tells nothing yet: a replay without its key would fail as if the code had changed.
        await inputOf(walked.history, codecs);
        actions.push(...(await checkActions(walked, codecs, findings)));
        await checkAgreementSince(record, walked, codecs, findings);
      } catch (error) {
        if (!isTampered(error)) throw error;
        findings.add('history-changed', `history of ${walked.workflowId}, run ${walked.runId}`, 'payloads as they were encrypted', error.message);
        continue;
      }
      histories += 1;
      progress?.(histories, walked.known);
      yield { workflowId: walked.workflowId, history: walked.history };
    }
  }
  const options = { workflowBundle, replayName: `audit-${record.campaignId}`, ...(dataConverter === undefined ? {} : { dataConverter }) };
  for await (const { workflowId, runId, error } of Worker.runReplayHistories(options, checked())) {
    if (error !== undefined) {
      findings.add('history-replay', `history of ${workflowId}, run ${runId}`, 'what today\'s workflow code does', firstLine(error.message));
    }
  }
  return { histories, actions: actions.sort((a, b) => (a.at < b.at ? -1 : 1)) };
}

/** What a codec throws for a payload that its key does not open. */
function isTampered(error: unknown): error is Error {
  return error instanceof Error && error.name === 'PayloadTamperedError';
}

const OPERATORS: ReadonlySet<string> = new Set(Object.entries(campaignMessages).flatMap(([name, message]) => (name.endsWith('Update') ? [message] : [])));

async function checkActions({ workflowId, runId, history }: WalkedHistory, codecs: readonly PayloadCodec[], findings: Findings): Promise<RecordedAction[]> {
  const updates = await operatorUpdates(history, codecs);
  return updates.flatMap(({ update, action, at }) => {
    if (!OPERATORS.has(update)) return [];
    const signed = signature.safeParse(action);
    if (signed.success) return [{ update, by: signed.data.by, why: signed.data.why, at }];
    findings.add('operator', `${update} of ${workflowId}, run ${runId}, at ${at}`, 'who and why', action);
    return [];
  });
}

/** A campaign that runs goes on while it is audited: what the server's history names may have been published after the record was read. */
async function checkAgreementSince(record: CampaignRecord, walked: WalkedHistory, codecs: readonly PayloadCodec[], findings: Findings): Promise<void> {
  const first = new Findings();
  await checkAgreement(record, walked, codecs, first);
  if (first.breaks.length === 0) return;
  if (walked.where === ON_SERVER && (await record.catchUp()).length > 0) return checkAgreement(record, walked, codecs, findings);
  for (const { kind, what, expected, got } of first.breaks) findings.add(kind, what, expected, got);
}

/** What a workflow returned must be what the store says. */
async function checkAgreement(record: CampaignRecord, walked: WalkedHistory, codecs: readonly PayloadCodec[], findings: Findings): Promise<void> {
  const { history, facts, workflowId, runId } = walked;
  const what = `history of ${workflowId}, run ${runId}`;
  await checkActivities(record, walked, codecs, findings);
  if (facts.status !== 'completed') return;
  const returned = await resultOf(history, codecs);
  const check = <Result>(schema: z.ZodType<Result>, compare: (result: Result) => void): void => {
    const parsed = parsedBy(schema, returned);
    if ('problem' in parsed) findings.add('schema', `result in the ${what}`, `what a ${facts.type} returns`, parsed.problem);
    else compare(parsed.value);
  };
  switch (facts.type) {
    case 'candidateWorkflow':
      return check(candidateResult, ({ outcome }) => checkCandidate(record, what, workflowId, outcome, findings));
    case 'epochWorkflow':
      return check(epochResult, ({ summary }) => checkEpoch(record, what, summary, findings));
    case 'campaignWorkflow':
      return check(campaignResult, ({ report }) => {
        if (report !== null && record.find(report) === null) findings.add('manifest-missing', report, `the report that the ${what} names`, 'nothing readable');
      });
    default:
      return;
  }
}

/** What activities returned, digests and scores of methods, must be what the store says. */
async function checkActivities(record: CampaignRecord, { history, workflowId, runId }: WalkedHistory, codecs: readonly PayloadCodec[], findings: Findings): Promise<void> {
  const what = `history of ${workflowId}, run ${runId}`;
  const check = async <Result>(activity: string, schema: z.ZodType<Result>, compare: (result: Result) => void): Promise<void> => {
    for (const result of await activityResults(history, activity, codecs)) {
      const parsed = parsedBy(schema, result);
      if ('problem' in parsed) findings.add('schema', `result of ${activity} in the ${what}`, `what ${activity} returns`, parsed.problem);
      else compare(parsed.value);
    }
  };
  await check('writeReport', reportResult, ({ digest }) => {
    const got = record.hashes.get(digest.key);
    if (got === undefined) findings.add('manifest-missing', digest.key, `the digest that the ${what} names`, 'nothing');
    else if (got !== digest.sha256) findings.add('manifest-changed', digest.key, `sha256 ${digest.sha256}, as the ${what} names it`, `sha256 ${got}`);
  });
  await check('summariseMethod', summariseMethodResult, (score) => checkMethod(record, what, score, findings));
}

function checkCandidate(record: CampaignRecord, what: string, workflowId: string, { status, reward, adapters }: ToldOutcome, findings: Findings): void {
  // A failed candidate leaves no record, or gets one when it is tried again.
  if (status === 'failed') return;
  const recordKey = candidateKeyOf(workflowId);
  const found = record.document(candidateDocument, recordKey);
  if (found === null) return findings.add('manifest-missing', recordKey, `the record that the ${what} names`, 'nothing readable');
  const stored = found.summary;
  const kept = stored.status === 'scored' ? { status: stored.status, reward: stored.reward, adapters: stored.adapters } : { status: stored.status };
  const told = status === 'scored' ? { status, reward, adapters } : { status };
  findings.same('history-disagrees', `${recordKey}, with the ${what}`, told, kept);
}

function checkEpoch(record: CampaignRecord, what: string, summary: EpochSummary, findings: Findings): void {
  const stored = record.matching(manifestKeys.selection).filter(({ at }) => at.epoch === summary.epoch);
  const isThere = stored.some(({ one }) => sameNumbers(one.manifest.summary, summary));
  const got = stored.map(({ one }) => JSON.stringify(one.manifest.summary)).join(' or ') || 'no selection';
  if (!isThere) findings.add('history-disagrees', `selection of epoch ${summary.epoch}, with the ${what}`, summary, got);
}

function checkMethod(record: CampaignRecord, what: string, score: MethodScore, findings: Findings): void {
  const stored = record.matching(manifestKeys.method).filter(({ at }) => at.method === score.name);
  const isThere = stored.some(({ one }) => sameNumbers(one.manifest.summary, score));
  const got = stored.map(({ one }) => JSON.stringify(one.manifest.summary)).join(' or ') || 'no summary';
  if (!isThere) findings.add('history-disagrees', `method ${score.name}, with the ${what}`, score, got);
}

/** Every number and name of `told` stands in `stored`. */
function sameNumbers(stored: Record<string, unknown> | undefined, told: object): boolean {
  return Object.entries(told).every(([name, value]) => stored?.[name] === value);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}

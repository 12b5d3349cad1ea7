import { adapterDocument } from '../record/documents/candidates';
import { policyDocument } from '../record/documents/epochs';
import { publishedReport, reportFile } from '../record/documents/report';
import { type WorkRecord, workRecords } from '../record/documents/work';
import { manifestKeys } from '../record/keys';
import type { ArtifactStore } from '../storage/artifact-store';
import type { Committed } from './committed';

const TRAINING = new Set<WorkRecord['kind']>(['fine-tune', 'm-step']);

/** What a campaign computed more than once. */
export interface RedoneWork {
  /** Optimiser steps that its ledger says were done again. */
  readonly redoneSteps: number;
  /** Of its training, a step: from records of work and from what was committed. */
  readonly secondsAStep: number;
  /** Of computations other than training that failed or had been done before, as far as workers lived to record them. */
  readonly otherSeconds: number;
}

export async function redoneWork(store: ArtifactStore, campaignId: string, committed: Committed): Promise<RedoneWork> {
  const records = await workRecords(store, campaignId);
  const done = new Set<string>();
  let trainedSeconds = 0;
  let otherSeconds = 0;
  for (const { kind, scope, from, to, repeat, outcome, seconds } of records.sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1))) {
    const what = JSON.stringify([kind, scope, from, to, repeat]);
    if (TRAINING.has(kind)) trainedSeconds += seconds;
    else if (outcome === 'failed' || done.has(what)) otherSeconds += seconds;
    if (outcome === 'done') done.add(what);
  }
  let steps = 0;
  for (const { kind, summary } of committed.values()) if (kind === adapterDocument.kind || kind === policyDocument.kind) steps += Number(summary?.['steps'] ?? 0);
  const report = await publishedReport.find(store, manifestKeys.report(campaignId));
  const redoneSteps = report === null ? 0 : (await reportFile.read(store, report)).ledger.redoneSteps;
  return { redoneSteps, secondsAStep: steps === 0 ? 0 : trainedSeconds / steps, otherSeconds };
}

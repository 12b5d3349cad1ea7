/**
 * Who computed what, and when: the campaign's timeline. Attempts differ in it, so no other manifest names it and nothing but the
 * report reads it; every attempt leaves a record of its own.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { type CampaignInput, manifestKeys } from '../contracts/campaign';
import type { Work, WorkRecord } from '../contracts/report-details';
import type { AdmittedOptions } from './compute-gate';
import { computeLimits, type Services } from './services';

/** As Temporal names a worker. */
const WORKER = `${process.pid}@${hostname()}`;

/**
 * Runs `compute` when the language model is free and records it, from its admission to its end. A killed worker leaves no
 * record; throws as ComputeGate.run.
 */
export async function runRecorded<Result>(
  services: Services,
  input: CampaignInput,
  work: Work,
  signal: AbortSignal,
  compute: (admitted: AdmittedOptions) => Promise<Result>,
): Promise<Result> {
  let startedMs: number | undefined;
  const record = async (outcome: WorkRecord['outcome']): Promise<void> => {
    if (startedMs === undefined) return;
    const seconds = (Date.now() - startedMs) / 1000;
    await publishRecord(services, input, { ...work, worker: WORKER, startedAt: new Date(startedMs).toISOString(), seconds, outcome });
  };
  let result: Result;
  try {
    result = await services.gate.run(signal, computeLimits(input), (inner) => {
      startedMs = Date.now();
      return compute(inner);
    });
  } catch (error) {
    // What the caller must hear is why the computation failed, whatever becomes of its record.
    await Promise.allSettled([record('failed')]);
    throw error;
  }
  await record('done');
  return result;
}

async function publishRecord({ store }: Services, { campaignId, codeVersion }: CampaignInput, record: WorkRecord): Promise<void> {
  const { scope, kind, from, startedAt } = record;
  await store.publish(manifestKeys.work(campaignId, scope, `${startedAt}-${kind}-${from}-${randomUUID()}`), {
    kind: 'work',
    files: {},
    lineage: { inputs: {}, codeVersion, settings: {} },
    summary: { ...record },
  });
}

import { type CampaignInput, type EpochVersion, scopes } from '../campaign/campaign';
import type { StepLog } from '../campaign/language-model';
import { evenlySpaced, readAll, SharedFiles } from '../record/bounded-reads';
import { adapterDocument, groupLossesFile } from '../record/documents/candidates';
import { policyLossesFile, policyTrainingDocument } from '../record/documents/epochs';
import type { CurrentVersions } from '../record/documents/operators';
import type { CampaignLosses, CandidateRow, EpochLosses, LossPart, PolicyLosses } from '../record/documents/report';
import { manifestKeys } from '../record/keys';
import { quantile } from '../seal/statistics/correlation';
import type { ArtifactStore } from '../storage/artifact-store';

/** Loss logs read of an epoch. */
const MOST_CANDIDATES = 256;
/** Points of the M-step's curve. */
const MOST_POINTS = 200;
/** Parts of a fine-tune where passes over its rows are too few, or none are planned. */
const SHARES = 10;
const FEWEST_PASSES = 3;
const MOST_PASSES = 50;

/** Loss curves of the inner loop and of the M-step, from the logs that lie beside the adapters. */
export async function collectLosses(store: ArtifactStore, input: CampaignInput, versions: CurrentVersions, candidates: readonly CandidateRow[]): Promise<CampaignLosses> {
  const { trainEpochs, maxSteps } = input.spec.innerLoop;
  const byPass = maxSteps === undefined && trainEpochs >= FEWEST_PASSES && trainEpochs <= MOST_PASSES;
  const innerLoop: EpochLosses[] = [];
  const mStep: PolicyLosses[] = [];
  for (let epoch = 1; epoch <= input.spec.epochs; epoch += 1) {
    const tuned = candidates.filter((candidate) => candidate.epoch === epoch && candidate.status === 'scored');
    if (tuned.length > 0) {
      const logs = await candidateLogs(store, input.campaignId, scopes.epoch(epoch, versions.ofEpoch(epoch).candidates), evenlySpaced(tuned, MOST_CANDIDATES));
      innerLoop.push({ epoch, sampled: logs.length, candidates: tuned.length, parts: lossParts(logs, byPass ? trainEpochs : SHARES) });
    }
    const policy = await policyLosses(store, input.campaignId, versions.ofEpoch(epoch));
    if (policy !== null) mStep.push(policy);
  }
  return { part: byPass ? 'pass' : 'share', innerLoop, mStep };
}

/** The log of each candidate's first repeat. */
async function candidateLogs(store: ArtifactStore, campaignId: string, scope: string, candidates: readonly CandidateRow[]): Promise<(readonly StepLog[])[]> {
  const files = new SharedFiles(store, groupLossesFile);
  const logs = await readAll(candidates, async ({ contextId, candidate }) => {
    const adapter = await adapterDocument.find(store, manifestKeys.adapter(campaignId, scope, contextId, candidate, 1));
    if (adapter === null) return [];
    const own = (await files.read(adapter)).find((one) => one.contextId === contextId && one.candidate === candidate);
    return own?.log ?? [];
  });
  return logs.filter((log) => log.length > 0);
}

/**
 * Distribution over fine-tunes of the mean loss of each part; step i of n belongs to part floor(i parts / n).
 * @param logs one a fine-tune, none of them empty
 */
export function lossParts(logs: readonly (readonly StepLog[])[], parts: number): LossPart[] {
  const means = logs.map((log) => partMeans(log, parts));
  return Array.from({ length: parts }, (_, part) => means.flatMap((one) => one[part] ?? [])).flatMap((losses, index) =>
    losses.length === 0
      ? []
      : [{ part: index + 1, n: losses.length, low: quantile(losses, 0.1), median: quantile(losses, 0.5), high: quantile(losses, 0.9) }],
  );
}

/** Mean loss of each part over its loss tokens; undefined for a part without a step. */
function partMeans(log: readonly StepLog[], parts: number): (number | undefined)[] {
  const sums = Array.from({ length: parts }, () => ({ loss: 0, tokens: 0 }));
  log.forEach(({ loss, lossTokens }, i) => {
    const sum = sums[Math.floor((i * parts) / log.length)]!;
    sum.loss += loss * lossTokens;
    sum.tokens += lossTokens;
  });
  return sums.map(({ loss, tokens }) => (tokens === 0 ? undefined : loss / tokens));
}

async function policyLosses(store: ArtifactStore, campaignId: string, { epoch, policy }: EpochVersion): Promise<PolicyLosses | null> {
  const training = await policyTrainingDocument.find(store, manifestKeys.policyTraining(campaignId, epoch, policy));
  if (training === null) return null;
  const log = await policyLossesFile.read(store, training);
  return { epoch, steps: log.length, points: curve(log) };
}

/** Every step, or means over equal runs of steps, each at its middle. */
export function curve(log: readonly StepLog[]): PolicyLosses['points'] {
  const run = Math.ceil(log.length / MOST_POINTS);
  return Array.from({ length: run === 0 ? 0 : Math.ceil(log.length / run) }, (_, i) => {
    const steps = log.slice(i * run, (i + 1) * run);
    return { step: steps[Math.floor(steps.length / 2)]!.step, loss: steps.reduce((sum, { loss }) => sum + loss, 0) / steps.length };
  });
}

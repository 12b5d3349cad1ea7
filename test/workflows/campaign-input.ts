import type { CampaignInput, CampaignTimings } from '../../campaign/campaign';
import { type CampaignSpec, campaignSpecSchema } from '../../campaign/campaign-spec';

/** Failures are retried at once and lost workers noticed soon. */
export const FAST_TIMINGS: CampaignTimings = {
  heartbeatTimeoutMs: 5_000,
  retryInitialMs: 20,
  retryMaximumMs: 100,
  bookkeepingMs: 20_000,
  budgets: { 'process-died': 2 },
};

type Section<Name extends keyof CampaignSpec> = Partial<CampaignSpec[Name]>;

export interface InputOptions {
  readonly contexts?: number;
  readonly heldOut?: number;
  readonly epochs?: number;
  readonly proposals?: Section<'proposals'>;
  readonly innerLoop?: Section<'innerLoop'>;
  readonly selection?: Section<'selection'>;
  readonly evaluation?: Section<'evaluation'>;
  readonly concurrency?: Section<'concurrency'>;
  readonly reward?: Section<'reward'>;
}

/** A campaign's input whose artifacts exist nowhere: for workflows whose activities are fakes. */
export function campaignInput(campaignId: string, options: InputOptions = {}): CampaignInput {
  const { contexts = 2, heldOut = 2, epochs = 1, proposals, innerLoop, selection, evaluation, concurrency, reward } = options;
  const spec = campaignSpecSchema.parse({
    name: 'test',
    seed: 1,
    model: 'model',
    epochs,
    contexts: { train: { path: 'train.json' }, heldOut: { path: 'held-out.json' } },
    proposals: { k: 2, ...proposals },
    innerLoop: { repeats: 1, ...innerLoop },
    selection,
    evaluation: { baselines: ['base'], ...evaluation },
    concurrency: { candidates: 4, ...concurrency },
    reward,
  });
  const ref = { sha256: 'a'.repeat(64), sizeBytes: 2, mediaType: 'application/json' };
  return {
    campaignId,
    spec,
    specSha256: 'b'.repeat(64),
    codeVersion: 'test',
    model: { directory: '/nowhere', files: { 'config.json': 'c'.repeat(64) } },
    train: ref,
    heldOut: ref,
    contexts: { train: contexts, heldOut },
    timings: FAST_TIMINGS,
  };
}

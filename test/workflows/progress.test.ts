import type { EpochSummary } from '../../campaign/campaign';
import { CampaignClock, describeProgress } from '../../workflows/campaign/progress';
import { campaignInput } from './campaign-input';

const EPOCH: Omit<EpochSummary, 'epoch'> = { proposed: 4, rejected: 0, failed: 1, kept: 2, meanReward: 0, bestReward: 1, compared: 1, tied: 0 };

/** A clock of two epochs of four candidates that took a hundred seconds, with the first epoch's failed candidate about to be tried again. */
function retrying(): { readonly clock: CampaignClock; readonly input: ReturnType<typeof campaignInput> } {
  const input = campaignInput('clock', { epochs: 2 });
  const clock = new CampaignClock(input, 0, 2);
  const heldOut = input.contexts.heldOut * input.spec.evaluation.selfEditsPerContext * input.spec.evaluation.repeats;
  for (const epoch of [1, 2]) {
    clock.begin({ candidates: true, fineTunesEach: input.spec.innerLoop.repeats });
    clock.end(EPOCH.proposed, { ...EPOCH, failed: epoch === 1 ? 1 : 0 });
    clock.begin({ candidates: false, fineTunesEach: 1 });
    clock.end(heldOut);
  }
  clock.forget({ ...EPOCH, failed: 1 });
  clock.begin({ candidates: true, fineTunesEach: 0 });
  return { clock, input };
}

test('while failed candidates are tried again nobody knows what is left', () => {
  const { clock } = retrying();
  expect(clock.etaSeconds(100_000)).toBeNull();
});

test('epochs and methods that count no more are planned once more, at the rate of all before', () => {
  const { clock, input } = retrying();
  clock.end(EPOCH.proposed, { failed: 0, rejected: 0 });
  expect(clock.etaSeconds(100_000)).toBe(0);
  // The second epoch, and both policies' evaluations: all of the campaign but the first epoch's fine-tunes.
  clock.again({ ...EPOCH, failed: 0 }, 2);
  const each = EPOCH.proposed * input.spec.innerLoop.repeats;
  const heldOut = input.contexts.heldOut * input.spec.evaluation.selfEditsPerContext * input.spec.evaluation.repeats;
  const left = (100 * (each + 2 * heldOut)) / (2 * each + 2 * heldOut);
  expect(clock.etaSeconds(100_000)).toBeCloseTo(left);
  expect(clock.candidates()).toMatchObject({ total: 8, done: 4, failed: 0 });
  // What a run that goes on in a new one is told.
  expect(new CampaignClock(input, 100_000, 2, clock.reading(100_000)).etaSeconds(100_000)).toBeCloseTo(left);
});

test('progress says in how many epochs all rewards of every context are equal', () => {
  const { clock } = retrying();
  const standing = { campaignId: 'c', state: 'running' as const, epoch: 3, phase: 'p', reportKey: null };
  expect(describeProgress({ ...standing, tiedEpochs: 1 }, clock, 0)).toMatchObject({ tiedEpochs: 1 });
  expect(describeProgress({ ...standing, tiedEpochs: 0 }, clock, 0)).not.toHaveProperty('tiedEpochs');
});

import { ApplicationFailure } from '@temporalio/activity';
import { PayloadSizes } from '../../bench/payload-sizes';
import type { GroupTask } from '../../activities/activity-types';
import { campaignInput, type InputOptions } from './campaign-input';
import { fakeActivities } from './fake-activities';
import { TemporalFixture } from './temporal-fixture';

jest.setTimeout(900_000);

const WHY = `the loss is not finite, ${'and this says so at length, '.repeat(60)}`;

const sizes = new PayloadSizes();
let temporal: TemporalFixture;
beforeAll(async () => {
  temporal = await TemporalFixture.start({ dataConverter: { payloadCodecs: [sizes] } });
});
afterAll(() => temporal.stop());

/** Bytes of the largest payload of a campaign of which every fifth candidate fails. */
async function largestPayload(campaignId: string, options: InputOptions): Promise<number> {
  const answer = fakeActivities().activities;
  const fakes = fakeActivities(() => ({
    fineTuneAdapters: (task: GroupTask) =>
      task.scope.split === 'train' && task.group.from % 5 === 4 ? Promise.reject(ApplicationFailure.nonRetryable(WHY, 'NotFiniteError')) : answer.fineTuneAdapters(task),
  }));
  sizes.largest = 0;
  await temporal.withActivities(fakes.activities, async () => {
    const input = campaignInput(campaignId, { ...options, evaluation: { baselines: ['base'] }, concurrency: { candidates: 32 } });
    const { state, progress } = await (await temporal.start(input)).result();
    expect(state).toBe('completed');
    const candidates = options.contexts! * options.proposals!.k! * options.epochs!;
    expect(progress.candidates).toMatchObject({ total: candidates, done: 0.8 * candidates, failed: 0.2 * candidates });
  });
  return sizes.largest;
}

test('the largest payload grows neither with candidates nor with epochs', async () => {
  // So many that pages of ids and of histories are full.
  const few = await largestPayload('few-few', { contexts: 200, proposals: { k: 2 }, epochs: 1 });
  const candidates = await largestPayload('many-candi', { contexts: 1000, proposals: { k: 2 }, epochs: 1 });
  const epochs = await largestPayload('manyepochs', { contexts: 5, proposals: { k: 2 }, epochs: 60 });
  // Ids with more digits take a few bytes, times the page of them.
  expect(candidates).toBeLessThan(1.15 * few);
  expect(epochs).toBeLessThan(1.15 * few);
});

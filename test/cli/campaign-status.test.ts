import { type CampaignClient } from '../../cli/campaign-client';
import { campaignStatus, statusDocument, statusText } from '../../cli/campaign-status';
import type { CampaignProgress, CampaignState } from '../../campaign/campaign';

const progress = (state: CampaignState): CampaignProgress => ({
  ...{ campaignId: 'c', state, epoch: 1, phase: state },
  candidates: { total: 4, running: 1, done: 3, failed: 0, rejected: 0 },
  etaSeconds: 0,
});

function server(state: CampaignState, closed: boolean): CampaignClient {
  return { execution: () => Promise.resolve({ state, closed }), progress: () => Promise.resolve(progress(state)) } as unknown as CampaignClient;
}

test.each([true, false])('of a campaign that has ended nothing is left and nothing runs, also before its workflow is closed (%p)', async (closed) => {
  expect(await campaignStatus(server('completed', closed), 'c')).toMatchObject({ state: 'completed', etaSeconds: null, candidates: { running: 0, done: 3 } });
});

test('of one that runs what it says is said', async () => {
  expect(await campaignStatus(server('running', false), 'c')).toEqual(progress('running'));
});

test('a reason is shown where there is one', () => {
  const failed = progress('failed');
  expect(statusDocument(failed, 'no such passages')).toMatchObject({ state: 'failed', reason: 'no such passages' });
  expect(statusText(failed, 'no such passages')).toContain('\nstate      failed\nreason     no such passages\n');
  expect(statusDocument(failed)).not.toHaveProperty('reason');
  expect(statusText(failed)).not.toContain('reason');
});

test('epochs in which every context has equal rewards are counted, as long as there are any', () => {
  const tied = { ...progress('running'), tiedEpochs: 2 };
  expect(statusText(tied)).toContain('\ntied       in 2 of the epochs all rewards of every context are equal: selection says nothing there');
  expect(statusDocument(tied)).toMatchObject({ tiedEpochs: 2 });
  expect(statusText(progress('running'))).not.toContain('equal');
  expect(statusDocument(progress('running'))).not.toHaveProperty('tiedEpochs');
});

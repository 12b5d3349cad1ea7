import type { CampaignClient } from '../../cli/campaign-client';
import { retriedAfterItsEnd, retryFailed } from '../../cli/retry-failed';

const LATER = 'those of an epoch that runs now are tried again too if they fail later';

test.each([
  [0, `no candidate is known to have failed so far; ${LATER}`],
  [1, `1 candidate has failed so far, tried again where another attempt may help; ${LATER}`],
  [3, `3 candidates have failed so far, tried again where another attempt may help; ${LATER}`],
])('of a running campaign with %p failed candidates, it says what is tried again', async (failed, said) => {
  const acted: unknown[] = [];
  const campaigns = {
    execution: () => Promise.resolve({ state: 'running', closed: false }),
    act: (...action: unknown[]) => {
      acted.push(action);
      return Promise.resolve({ candidates: { total: 8, running: 2, done: 1, failed, rejected: 0 } });
    },
  } as unknown as CampaignClient;
  const action = { by: 'anna', why: 'the disk is mended' };
  expect(await retryFailed(campaigns, 'c', action)).toEqual({ said, document: { failedCandidates: failed } });
  expect(acted).toEqual([['c', 'retryFailed', action]]);
});

test.each([
  ['completed', 1, 'trying 1 failed candidate again'],
  ['completed', 4, 'trying 4 failed candidates again'],
  ['failed', 0, 'going on with the part that failed'],
  ['failed', 2, 'going on with the part that failed, and trying 2 failed candidates again'],
] as const)('of a %s campaign with %p failed candidates too', (state, failed, said) => {
  expect(retriedAfterItsEnd(state, failed)).toBe(said);
});

import type { FailedEpoch, Superseded } from '../../activities/activity-types';
import { stagesOf } from '../../seal/algorithm/stages';
import { FinishedStages } from '../../workflows/campaign/finished-stages';
import type { EpochResult } from '../../workflows/epoch';
import { campaignInput } from './campaign-input';

const STAGES = stagesOf(campaignInput('stages', { epochs: 3, evaluation: { baselines: ['base'] } }).spec);
const summary = (epoch: number, failed: number, isTied = false) => ({ epoch, proposed: 8, rejected: 0, failed, kept: 2, meanReward: 0.3, bestReward: 0.5, compared: 1, tied: Number(isTied) });
const versions = (epoch: number, version: number) => ({ epoch, candidates: version, selection: version, policy: version });
const result = (epoch: number, policy: string | null, { retryable = 0, isAsBefore = false, isTied = false } = {}): EpochResult => ({ summary: summary(epoch, retryable, isTied), policy, isAsBefore, retryable, retriesServed: 0 });
const NOTHING: Superseded = { proposed: 0, failed: 0, rejected: 0, retryable: 0, tied: 0 };
const FAILED: FailedEpoch = { versions: versions(2, 1), summary: summary(2, 3), retryable: 3, policyBefore: 'policy-1' };

/** Three epochs that were evaluated; in the second, three candidates failed, and the third was tied. */
function afterThree(): FinishedStages {
  const finished = new FinishedStages(STAGES);
  finished.evaluated();
  for (const epoch of [1, 2, 3]) {
    finished.epochEnded(finished.versionsOf(epoch), result(epoch, `policy-${epoch}`, { retryable: epoch === 2 ? 3 : 0, isTied: epoch === 3 }));
    finished.evaluated();
  }
  return finished;
}

test('stages follow one another, and each epoch waits for its evaluation', () => {
  const finished = new FinishedStages(STAGES);
  expect([finished.next, finished.policy, finished.epoch]).toEqual([{ kind: 'evaluate', method: 'base', epoch: 0, rows: { kind: 'unadapted' } }, null, 0]);
  finished.evaluated();
  expect([finished.next, finished.versionsOf(1)]).toEqual([{ kind: 'epoch', epoch: 1 }, versions(1, 1)]);
  finished.epochEnded(versions(1, 1), result(1, 'policy-1'));
  expect([finished.next, finished.policy, finished.epoch]).toEqual([expect.objectContaining({ method: 'seal-epoch-1' }), 'policy-1', 1]);
});

test('after all stages nothing is next', () => {
  const finished = afterThree();
  expect(finished.next).toBeUndefined();
  expect(finished.state).toEqual({ stages: STAGES.length, epoch: versions(3, 1), policy: 'policy-3', retryable: 3, tiedEpochs: 1, revision: 0 });
});

test('where selection keeps what it kept, nothing else changes', () => {
  const finished = afterThree();
  expect(finished.retried(FAILED, result(2, null, { isAsBefore: true }), NOTHING)).toBe(0);
  expect(finished.state).toEqual({ stages: STAGES.length, epoch: versions(3, 1), policy: 'policy-3', retryable: 0, tiedEpochs: 1, revision: 1 });
});

test('of the last epoch, its selection is another since', () => {
  const finished = afterThree();
  finished.retried({ ...FAILED, versions: versions(3, 1) }, result(3, null, { isAsBefore: true }), NOTHING);
  expect(finished.state.epoch).toEqual({ epoch: 3, candidates: 1, selection: 2, policy: 1 });
});

test('where it keeps others, the campaign goes on behind this epoch, with its new policy', () => {
  const finished = afterThree();
  expect(finished.retried(FAILED, result(2, 'policy-2.v2', { retryable: 1 }), { ...NOTHING, proposed: 8, tied: 1 })).toBe(2);
  expect(finished.next).toMatchObject({ method: 'seal-epoch-2' });
  expect(finished.evaluatedVersion(2)).toBe(2);
  expect(finished.state).toEqual({ stages: 4, epoch: { epoch: 2, candidates: 1, selection: 2, policy: 2 }, policy: 'policy-2.v2', retryable: 1, tiedEpochs: 0, revision: 1 });
  expect(finished.versionsOf(3)).toEqual(versions(3, 2));
});

test('a run that goes on in a new one begins where it was', () => {
  expect(new FinishedStages(STAGES, afterThree().state).state).toEqual(afterThree().state);
});

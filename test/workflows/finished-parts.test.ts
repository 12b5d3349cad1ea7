import type { MethodScore } from '../../contracts/campaign';
import { FinishedParts } from '../../workflows/campaign/finished-parts';
import type { FinishedEpoch } from '../../workflows/campaign/snapshot';
import type { EpochResult } from '../../workflows/epoch';

const score = (name: string): MethodScore => ({ name, grader: 'exact', score: 0.5, standardError: 0.1, n: 4, runs: 4, rejected: 0, diverged: 0, meanTokens: 10, meanSteps: 2 });
const summary = (epoch: number, failed: number) => ({ epoch, proposed: 8, rejected: 0, failed, kept: 2, meanReward: 0.3, bestReward: 0.5, compared: 1, tied: 0 });
const versions = (epoch: number, version: number) => ({ epoch, candidates: version, selection: version, policy: version });
const result = (epoch: number, policyAdapters: readonly string[] | null, retryable = 0): EpochResult => ({ summary: summary(epoch, retryable), policyAdapters, retryable, retriesServed: 0 });

/** Three epochs that were evaluated; in the second, three candidates failed. */
function afterThree(): FinishedParts {
  const epochs: FinishedEpoch[] = [1, 2, 3].map((epoch) => ({
    summary: summary(epoch, epoch === 2 ? 3 : 0),
    versions: versions(epoch, 1),
    policyAdapters: Array.from({ length: epoch }, (_, i) => `policy-${i + 1}`),
    retryable: epoch === 2 ? 3 : 0,
  }));
  return new FinishedParts({ methods: ['base', 'seal-epoch-1', 'seal-epoch-2', 'seal-epoch-3'].map(score), epochs, revision: 0 });
}

test('an epoch waits for its evaluation', () => {
  const finished = new FinishedParts();
  expect([finished.unevaluated, finished.nextEpoch(), finished.policyAdapters]).toEqual([null, versions(1, 1), []]);
  finished.addEpoch({ summary: summary(1, 0), versions: versions(1, 1), policyAdapters: ['policy-1'], retryable: 0 });
  expect([finished.unevaluated?.summary.epoch, finished.policyAdapters]).toEqual([1, ['policy-1']]);
  finished.addMethod(score('seal-epoch-1'));
  expect([finished.unevaluated, finished.nextEpoch()]).toEqual([null, versions(2, 1)]);
});

test('the first epoch with failed candidates is tried again, from the policy that it began with', () => {
  const finished = afterThree();
  expect(finished.withFailed).toEqual([2]);
  expect(finished.toRetry(new Set([1, 2, 3]))).toMatchObject({ at: 1, epoch: { summary: { epoch: 2 } }, policyBefore: ['policy-1'] });
  expect(finished.toRetry(new Set([1, 3]))).toBeNull();
});

test('where selection keeps what it kept, nothing else changes', () => {
  const finished = afterThree();
  const revision = finished.revisedBy(finished.toRetry(new Set([2]))!, result(2, null), 3);
  expect(revision.stale).toEqual([]);
  expect(revision.record).toEqual({
    revision: 1,
    retried: { epoch: 2, candidates: 3 },
    changed: false,
    versions: [versions(1, 1), { epoch: 2, candidates: 1, selection: 2, policy: 1 }, versions(3, 1)],
    stale: [],
  });
  finished.accept(revision);
  expect(finished.methods.length).toBe(4);
  expect([finished.revision, finished.unevaluated, finished.withFailed]).toEqual([1, null, []]);
  expect(finished.policyAdapters).toEqual(['policy-1', 'policy-2', 'policy-3']);
});

test('where it keeps others, the policy, all later epochs and their evaluations count no more', () => {
  const finished = afterThree();
  const revision = finished.revisedBy(finished.toRetry(new Set([2]))!, result(2, ['policy-1', 'policy-2.v2'], 1), 3);
  expect(revision.stale.map((one) => one.summary.epoch)).toEqual([3]);
  expect(revision.record).toEqual({
    revision: 1,
    retried: { epoch: 2, candidates: 3 },
    changed: true,
    versions: [versions(1, 1), { epoch: 2, candidates: 1, selection: 2, policy: 2 }, versions(3, 2)],
    stale: [3],
  });
  finished.accept(revision);
  expect(finished.methods.map(({ name }) => name)).toEqual(['base', 'seal-epoch-1']);
  expect(finished.unevaluated).toMatchObject({ summary: { epoch: 2 }, versions: { selection: 2, policy: 2 } });
  expect([finished.policyAdapters, finished.nextEpoch(), finished.withFailed]).toEqual([['policy-1', 'policy-2.v2'], versions(3, 2), [2]]);
});

/** An epoch whose failed candidates are tried again, and what that makes of the epochs after it. */
import type { ChildWorkflowHandle } from '@temporalio/workflow';
import type { RevisionTask } from '../../activities/activity-types';
import type { EpochVersion } from '../../contracts/campaign';
import { type PartContext, startEpoch } from './parts';
import type { FinishedEpoch } from './snapshot';
import type { EpochResult, epochWorkflow } from '../epoch';

/** @param version of the new selection and policy; the candidates stay what they are */
export function retriedEpoch(context: PartContext, { versions }: FinishedEpoch, version: number): Promise<ChildWorkflowHandle<typeof epochWorkflow>> {
  return startEpoch(context, { ...versions, selection: version, policy: version }, versions);
}

export interface Revision {
  readonly epochs: readonly FinishedEpoch[];
  /** Epochs that count no more. */
  readonly stale: readonly FinishedEpoch[];
  /** Methods whose policies count no more. */
  readonly staleMethods: readonly string[];
  readonly record: Omit<RevisionTask, 'campaign' | 'action'>;
}

/**
 * The epochs after the one at `at` was tried again. Where selection keeps what it kept, its policy and all that followed stand; else
 * every later epoch began with a policy that is no more.
 */
export function revised(
  epochs: readonly FinishedEpoch[],
  at: number,
  { summary, policyAdapters, retryable = 0 }: EpochResult,
  { revision, epochs: planned }: { readonly revision: number; readonly epochs: number },
): Revision {
  const before = epochs[at]!;
  const version = revision + 1;
  const changed = policyAdapters !== null;
  const versions = { ...before.versions, selection: version, policy: changed ? version : before.versions.policy };
  const tried: FinishedEpoch = { summary, versions, policyAdapters: policyAdapters ?? before.policyAdapters, retryable };
  const earlier = epochs.slice(0, at);
  const later = epochs.slice(at + 1);
  const current = changed ? [...earlier, tried] : [...earlier, tried, ...later];
  const stale = changed ? later : [];
  return {
    epochs: current,
    stale,
    staleMethods: changed ? [tried, ...later].map(({ summary: { epoch } }) => `seal-epoch-${epoch}`) : [],
    record: {
      revision,
      retried: { epoch: summary.epoch, candidates: before.retryable },
      changed,
      versions: [...current.map((one) => one.versions), ...Array.from({ length: planned - current.length }, (_, i) => allOf(version, current.length + i + 1))],
      stale: stale.map(({ summary: { epoch } }) => epoch),
    },
  };
}

/** What an epoch makes that begins after a revision. */
export function allOf(version: number, epoch: number): EpochVersion {
  return { epoch, candidates: version, selection: version, policy: version };
}

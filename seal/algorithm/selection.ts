/**
 * ReST-EM's choice of the self-edits that the policy is trained on.
 * Source: paper, section "RL Optimization" (ReST-EM keeps what is rewarded) and the reference's best-1-of-5 script:
 * per context a stable descending sort on reward, the first `keep`, no threshold on the gain.
 *
 * Departures: `improves` asks in addition for a reward above the unadapted policy's on the same questions, which the
 * paper's binary reward means and the reference leaves out; candidates without a reward are left out by name, never
 * scored 0.
 */
import type { CampaignSpec, GraderName } from '../../campaign/campaign-spec';
import type { CandidateOutcome } from '../../campaign/campaign';
import { rewardOfScore } from './rewards';
import { exceeds } from '../statistics/statistics';

export type SelectionSettings = CampaignSpec['selection'];

/** What selection reads of a candidate's outcome. */
export type CandidateVerdict = Pick<CandidateOutcome, 'contextId' | 'candidate' | 'status' | 'reward' | 'reason'>;

export interface Selection<Outcome extends CandidateVerdict> {
  /** Contexts in the order they first appear; within one, best first. */
  readonly kept: readonly (Outcome & { readonly reward: number })[];
  /** Rejected and failed candidates: selection never compared them. */
  readonly excluded: readonly (Outcome & { readonly reason: string })[];
}

/**
 * The `keep` best of one context's candidates: highest reward first, equal rewards in the order given. Ties are common,
 * so that order is part of the result; rewards that differ by rounding alone are ties.
 */
export function bestOfK<Candidate extends { readonly reward: number }>(
  candidates: readonly Candidate[],
  keep: number,
): Candidate[] {
  const left = [...candidates];
  const best: Candidate[] = [];
  while (best.length < keep && left.length > 0) {
    const highest = left.reduce((most, { reward }) => Math.max(most, reward), -Infinity);
    best.push(...left.splice(left.findIndex(({ reward }) => !exceeds(highest, reward)), 1));
  }
  return best;
}

/**
 * Selects from an epoch's outcomes, given in planned order. `unadaptedReward` is what the unadapted policy gets on a
 * context's questions, in the unit of the reward (see `unadaptedRewardOf`); only `improves` asks for it.
 *
 * @throws RangeError when an outcome called scored has no finite reward: a NaN must never be selected
 */
export function selectSelfEdits<Outcome extends CandidateVerdict>(
  outcomes: readonly Outcome[],
  settings: SelectionSettings,
  unadaptedReward: (contextId: string) => number,
): Selection<Outcome> {
  const byContext = new Map<string, (Outcome & { readonly reward: number })[]>();
  const excluded: (Outcome & { readonly reason: string })[] = [];
  for (const outcome of outcomes) {
    const { contextId, candidate, status, reward } = outcome;
    if (status !== 'scored') {
      excluded.push({ ...outcome, reason: outcome.reason ?? 'no reason recorded' });
      continue;
    }
    if (reward === undefined || !Number.isFinite(reward)) {
      throw new RangeError(`candidate ${contextId}/c${candidate} is scored but its reward is ${reward}`);
    }
    byContext.set(contextId, [...(byContext.get(contextId) ?? []), { ...outcome, reward }]);
  }
  const kept = [...byContext].flatMap(([contextId, candidates]) => {
    const best = bestOfK(candidates, settings.keep);
    return settings.rule === 'improves' ? best.filter(({ reward }) => exceeds(reward, unadaptedReward(contextId))) : best;
  });
  return { kept, excluded };
}

/**
 * What a candidate has to beat under `improves`: the unadapted policy's accuracy on the questions, rounded as a reward is, or 0
 * where the reward already is a gain (`logprob`).
 */
export function unadaptedRewardOf(grader: GraderName, unadaptedAccuracy: number): number {
  return grader === 'logprob' ? 0 : rewardOfScore(unadaptedAccuracy);
}

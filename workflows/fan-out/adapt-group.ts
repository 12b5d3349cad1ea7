import type { AdaptationScope, CandidateGroup } from '../../activities/activity-types';
import type { FailureClass } from '../../campaign/failures';
import { candidateReward } from '../../seal/algorithm/rewards';
import { type ActivitySettings, computeActivities } from '../work/activity-options';
import { classOf } from '../work/attempts';
import { reasonOf, shortReason } from '../work/reason';
import { evaluateGroup } from './evaluating';

/** What became of one candidate: its reward with the hashes of its adapters, or why it has none. */
export type MemberResult =
  | { readonly status: 'scored'; readonly reward: number; readonly adapters: readonly string[] }
  | { readonly status: 'failed'; readonly reason: string; readonly failure: FailureClass };

export interface GroupToAdapt {
  readonly scope: AdaptationScope;
  readonly group: CandidateGroup;
  readonly repeats: number;
  readonly settings: ActivitySettings;
}

/**
 * The inner loop of a group: fine-tunes and evaluates it once a repeat.
 *
 * @returns a result for each position that can be trained on. A member that diverges fails alone.
 * @throws what an activity fails with: that concerns every member
 */
export async function adaptGroup({ scope, group, repeats, settings }: GroupToAdapt): Promise<Map<number, MemberResult>> {
  const { fineTuneAdapters } = computeActivities(settings);
  const diverged = new Map<number, string>();
  const adapters = new Map<number, string[]>();
  const rewards = new Map<number, number[]>();
  for (let repeat = 1; repeat <= repeats; repeat += 1) {
    const task = { scope, group, repeat, repeats };
    for (const member of (await fineTuneAdapters(task)).members) {
      if ('diverged' in member) diverged.set(member.position, diverged.get(member.position) ?? member.diverged);
      else push(adapters, member.position, member.adapter);
    }
    for (const { position, reward } of await evaluateGroup(task, settings)) if (reward !== null) push(rewards, position, reward);
  }
  const positions = [...new Set([...adapters.keys(), ...diverged.keys()])];
  return new Map(
    positions.map((position): [number, MemberResult] => {
      const why = diverged.get(position);
      if (why !== undefined) return [position, { status: 'failed', reason: shortReason(`NotFiniteError: ${why}`), failure: 'not-finite' }];
      return [position, { status: 'scored', reward: candidateReward(rewards.get(position) ?? []), adapters: adapters.get(position) ?? [] }];
    }),
  );
}

/** Of a candidate whose group could not be computed. */
export function failedBy(error: unknown): MemberResult {
  return { status: 'failed', reason: reasonOf(error), failure: classOf(error) };
}

function push<Value>(lists: Map<number, Value[]>, position: number, value: Value): void {
  lists.set(position, [...(lists.get(position) ?? []), value]);
}

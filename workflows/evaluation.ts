/**
 * One method on the held-out contexts.
 * Source: paper, "Knowledge Incorporation", results.
 */
import type { AdaptationScope, PinnedCampaign, ProposalSource } from '../activities/activity-types';
import { scopes } from '../campaign/campaign';
import type { CampaignSpec } from '../campaign/campaign-spec';
import { groupsOf } from '../seal/algorithm/plan';
import type { MethodRows } from '../seal/algorithm/stages';
import { runInWindow } from './fan-out/bounded-window';
import { ChildProgress, listenForSteering } from './fan-out/child-progress';
import { continueUnlessCancelled, shouldContinueAsNew } from './fan-out/continue-as-new';
import { evaluateGroup } from './fan-out/evaluating';
import { contextsPerChunk, propose } from './fan-out/proposing';
import { scoreUnadapted, UNADAPTED_CONTEXTS_PER_CHUNK } from './fan-out/unadapted';
import type { Advance, Steering } from './messages';
import { type ActivitySettings, bookkeepingActivities, computeActivities } from './work/activity-options';

export interface EvaluationInput {
  readonly campaign: PinnedCampaign;
  /** base, passage-only, ..., seal-epoch-1: the method's name in the report. */
  readonly method: string;
  /** Of the policy. @default 1 */
  readonly version?: number;
  readonly policy: string | null;
  readonly rows: MethodRows;
  /** Held-out contexts. */
  readonly contexts: number;
  readonly spec: Pick<CampaignSpec, 'proposals' | 'evaluation' | 'concurrency'>;
  readonly settings: ActivitySettings;
  readonly steering: Steering;
  /** Where an earlier run of this evaluation was. @default at the beginning */
  readonly resumed?: EvaluationState;
}

interface EvaluationState {
  readonly scope: AdaptationScope;
  /** Groups of fine-tunes that are finished, in their order. */
  readonly finished: number;
  readonly counts: Advance;
}

/**
 * Evaluates a method. Its fine-tunes are no workflows of their own: a group is one activity, since nothing is selected among
 * them and a held-out fine-tune needs no steering.
 */
export async function evaluationWorkflow(input: EvaluationInput): Promise<void> {
  const { campaign, method, version = 1, policy, contexts, settings, resumed } = input;
  const steering = listenForSteering(input.steering);
  const { summariseMethod } = bookkeepingActivities(settings);
  const base = { campaign, scope: scopes.evaluation(method, version), split: 'heldOut' as const, policy };
  if (input.rows.kind === 'unadapted') {
    await scoreUnadapted(base, contexts, { settings, steering });
    await summariseMethod({ campaign, method, version, source: { kind: 'unadapted', contextsPerChunk: UNADAPTED_CONTEXTS_PER_CHUNK } });
    return;
  }
  const scope: AdaptationScope = resumed?.scope ?? { ...base, ...(await rowsOf(input, input.rows, base, steering)) };
  const next = await adaptAndAsk(input, scope, steering);
  if (next !== null) return continueUnlessCancelled<typeof evaluationWorkflow>({ ...input, steering: steering(), resumed: next });
  await summariseMethod({ campaign, method, version, source: { kind: 'adapted', scope } });
}

async function rowsOf(
  { contexts, settings, spec }: EvaluationInput,
  rows: Exclude<MethodRows, { kind: 'unadapted' }>,
  base: Omit<AdaptationScope, 'rows' | 'perContext'>,
  steering: () => Steering,
): Promise<Pick<AdaptationScope, 'rows' | 'perContext'>> {
  if (rows.kind !== 'self-edits') return { rows, perContext: 1 };
  const perContext = spec.evaluation.selfEditsPerContext;
  // What an endpoint wrote for the training contexts says nothing of what the policy has learnt to write.
  const source: ProposalSource = rows.source ?? (spec.proposals.source === 'recorded' ? 'recorded' : 'policy');
  const task = { ...base, source, perContext, contextsPerChunk: contextsPerChunk(perContext) };
  return { rows: { kind: 'proposals', proposals: await propose(task, contexts, { settings, steering }) }, perContext };
}

/** Fine-tunes and evaluates every held-out candidate, a group at a time. @returns where a new run goes on; null: all is done */
async function adaptAndAsk(
  { contexts, spec, settings, resumed }: EvaluationInput,
  scope: AdaptationScope,
  steering: () => Steering,
): Promise<EvaluationState | null> {
  const { fineTuneAdapters } = computeActivities(settings);
  const { repeats } = spec.evaluation;
  const { group: size } = spec.concurrency;
  const groups = groupsOf(contexts * scope.perContext, size);
  const tasks = groups.flatMap((group) => Array.from({ length: repeats }, (_, i) => ({ scope, group, repeat: i + 1, repeats })));
  const progress = new ChildProgress(contexts * scope.perContext * repeats, resumed?.counts);
  const inGroups = (): Steering => {
    const { paused, candidates } = steering();
    return { paused, candidates: Math.max(1, Math.floor(candidates / size)) };
  };
  const rest = await runInWindow({
    tasks: tasks.slice(resumed?.finished ?? 0),
    steering: inGroups,
    isOver: () => shouldContinueAsNew(settings.timings),
    run: async (task) => {
      const count = task.group.to - task.group.from;
      progress.started(count);
      await fineTuneAdapters(task);
      await evaluateGroup(task, settings);
      progress.finished('done', count);
    },
  });
  await progress.settled();
  return rest.length === 0 ? null : { scope, finished: tasks.length - rest.length, counts: progress.counts };
}

import type { EvaluatedMember, GroupTask, UnadaptedTask } from '../../activities/activity-types';
import { type ActivitySettings, askingActivities, computeActivities } from '../work/activity-options';

/** Evaluates a group's adapters. A judge is asked by an activity of its own: waiting for it must not hold a device. */
export async function evaluateGroup(task: GroupTask, settings: ActivitySettings): Promise<readonly EvaluatedMember[]> {
  const { members } = await computeActivities(settings).evaluateAdapters(task);
  return settings.isJudged ? (await askingActivities(settings).gradeAdapters(task)).members : members;
}

/** Has the unadapted policy answer the questions of a chunk of contexts, and grades what it answered. */
export async function evaluateUnadapted(task: UnadaptedTask, settings: ActivitySettings): Promise<void> {
  await computeActivities(settings).evaluateBase(task);
  if (settings.isJudged) await askingActivities(settings).gradeBase(task);
}

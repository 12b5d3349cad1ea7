import type { UnadaptedTask } from '../../activities/activity-types';
import { type ActivitySettings, computeActivities } from '../work/activity-options';

/** Contexts whose questions the unadapted policy answers in one request. */
export const UNADAPTED_CONTEXTS_PER_CHUNK = 16;

/** The unadapted policy's mean score on each context of a split, in the campaign's order. */
export async function unadaptedScores(
  task: Omit<UnadaptedTask, 'chunk' | 'contextsPerChunk'>,
  contexts: number,
  settings: ActivitySettings,
): Promise<number[]> {
  const { evaluateBase } = computeActivities(settings);
  const chunks = Math.ceil(contexts / UNADAPTED_CONTEXTS_PER_CHUNK);
  const evaluated = await Promise.all(
    Array.from({ length: chunks }, (_, i) => evaluateBase({ ...task, contextsPerChunk: UNADAPTED_CONTEXTS_PER_CHUNK, chunk: i + 1 })),
  );
  return evaluated.flatMap(({ scores }) => scores);
}

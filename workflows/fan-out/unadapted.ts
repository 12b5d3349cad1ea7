import type { UnadaptedTask } from '../../activities/activity-types';
import { chunkCount } from '../../seal/algorithm/plan';
import { computeActivities } from '../work/activity-options';
import { type ChunkContext, runChunks } from './chunks';

/** Contexts whose questions the unadapted policy answers in one request. */
export const UNADAPTED_CONTEXTS_PER_CHUNK = 16;

/** Has the unadapted policy answer the questions of every context of a split. */
export function scoreUnadapted(task: Omit<UnadaptedTask, 'chunk' | 'contextsPerChunk'>, contexts: number, context: ChunkContext): Promise<void> {
  const { evaluateBase } = computeActivities(context.settings);
  const contextsPerChunk = UNADAPTED_CONTEXTS_PER_CHUNK;
  return runChunks(chunkCount(contexts, contextsPerChunk), context, (chunk) => evaluateBase({ ...task, contextsPerChunk, chunk }));
}

import type { UnadaptedTask } from '../../activities/activity-types';
import { chunkCount } from '../../seal/algorithm/plan';
import { type ChunkContext, runChunks } from './chunks';
import { evaluateUnadapted } from './evaluating';

/** Contexts whose questions the unadapted policy answers in one request. */
export const UNADAPTED_CONTEXTS_PER_CHUNK = 16;

/** Has the unadapted policy answer the questions of every context of a split. */
export function scoreUnadapted(task: Omit<UnadaptedTask, 'chunk' | 'contextsPerChunk'>, contexts: number, context: ChunkContext): Promise<void> {
  const contextsPerChunk = UNADAPTED_CONTEXTS_PER_CHUNK;
  return runChunks(chunkCount(contexts, contextsPerChunk), context, (chunk) => evaluateUnadapted({ ...task, contextsPerChunk, chunk }, context.settings));
}

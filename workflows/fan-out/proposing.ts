import type { ProposalTask } from '../../activities/activity-types';
import type { ArtifactRef } from '../../campaign/artifacts';
import { chunkCount } from '../../seal/algorithm/plan';
import { type ActivitySettings, askingActivities, bookkeepingActivities, computeActivities } from '../work/activity-options';
import { type ChunkContext, runChunks } from './chunks';

/** Rows that are sampled or asked together: enough to fill a machine, few enough to lose little when one fails. */
const ROWS_PER_CHUNK = 64;

/** Contexts a chunk so that it has about ROWS_PER_CHUNK rows; fixed by the configuration, since a batch's shape may shape its bits. */
export function contextsPerChunk(rowsPerContext: number): number {
  return Math.max(1, Math.floor(ROWS_PER_CHUNK / rowsPerContext));
}

/** Self-edits for all contexts of a split, chunk by chunk, as one artifact. */
export async function propose(task: ProposalTask, contexts: number, context: ChunkContext): Promise<ArtifactRef> {
  // Only the policy's own take the language model.
  const { proposeSelfEdits } = (task.source === 'policy' ? computeActivities : askingActivities)(context.settings);
  await runChunks(chunkCount(contexts, task.contextsPerChunk), context, (chunk) => proposeSelfEdits({ ...task, chunk }));
  const { proposals } = await bookkeepingActivities(context.settings).collectProposals(task);
  return proposals;
}

/** The self-edits of an epoch that has ended. */
export async function proposedBefore(task: ProposalTask, settings: ActivitySettings): Promise<ArtifactRef> {
  return (await bookkeepingActivities(settings).collectProposals(task)).proposals;
}

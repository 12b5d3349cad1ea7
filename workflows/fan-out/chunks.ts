import type { Steering } from '../messages';
import type { ActivitySettings } from '../work/activity-options';
import { runInWindow } from './bounded-window';

export interface ChunkContext {
  readonly settings: ActivitySettings;
  readonly steering: () => Steering;
}

/** Activities for chunks at once: enough to keep several workers busy, far fewer than a workflow may have. */
const CHUNKS_AT_ONCE = 32;

/** Runs an activity for each chunk (from 1), in order, some at once; none is started while the campaign is paused. */
export async function runChunks(chunks: number, { steering }: ChunkContext, run: (chunk: number) => Promise<void>): Promise<void> {
  await runInWindow({
    tasks: Array.from({ length: chunks }, (_, i) => i + 1),
    steering: () => ({ paused: steering().paused, candidates: CHUNKS_AT_ONCE }),
    run,
  });
}

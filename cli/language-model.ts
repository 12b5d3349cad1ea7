import type { ComputeProgress } from '../campaign/language-model';
import { startComputeProcess, type ComputeProcess } from '../engine/runtime/compute-client';
import { withInterrupt } from './command';
import type { Output } from './output';
import { startProgressLine } from './progress-line';

/** What a body needs to call the language model: progress shows on stderr, an interrupt ends the compute process. */
export interface ModelSession {
  readonly model: ComputeProcess;
  readonly options: { readonly signal: AbortSignal; readonly onProgress: (progress: ComputeProgress) => void };
}

/** Runs `body` on a compute process of its own, which ends with it. */
export async function withLanguageModel<Result>(
  output: Output,
  task: string,
  body: (session: ModelSession) => Promise<Result>,
): Promise<Result> {
  return withInterrupt(`${task} was stopped`, async (signal) => {
    const progress = startProgressLine(task, (line) => output.log(line));
    const model = startComputeProcess({});
    try {
      return await body({
        model,
        options: { signal, onProgress: ({ done, total, unit }) => progress.update(done, total, unit) },
      });
    } finally {
      progress.stop();
      await model.close();
    }
  });
}

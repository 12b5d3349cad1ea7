import type { HistoryProgress } from '../audit/check-histories';
import type { Output } from './output';
import { type ProgressLine, startProgressLine } from './progress-line';

/** Runs `body` and shows how far it is with a campaign's histories, from the first one on. */
export async function withHistoryProgress<Result>(task: string, output: Output, body: (progress: HistoryProgress) => Promise<Result>): Promise<Result> {
  let line: ProgressLine | undefined;
  try {
    return await body((done, known) => {
      line ??= startProgressLine(task, (text) => output.log(text));
      line.update(done, known, 'histories');
    });
  } finally {
    line?.stop();
  }
}

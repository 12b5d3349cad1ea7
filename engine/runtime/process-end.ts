import { ComputeProcessDiedError, OutOfMemoryError } from '../../campaign/errors';
import { outOfMemoryReport } from './reported-failure';

/** How a compute process ended without an answer. */
export interface ProcessEnd {
  /** `exit code 134`, `signal SIGKILL`, or why it never began. */
  readonly how: string;
  /** The last that it wrote to standard error. */
  readonly lastWords: string;
  /** By how much the kernel's count of processes ended for want of memory rose meanwhile; undefined where it keeps none. */
  readonly oomKills: number | undefined;
}

/**
 * Why a call was lost with its process. Only what the runtime said on its way out, or the kernel counted, makes it a want of memory:
 * SIGKILL alone does not, since operators and schedulers send it too.
 */
export function failureOfEnd(method: string, { how, lastWords, oomKills }: ProcessEnd): Error {
  const report = outOfMemoryReport(lastWords);
  if (report !== undefined) return new OutOfMemoryError(`${method}: the compute process ended (${how}), out of memory as reported: ${report}`);
  if (how === 'signal SIGKILL' && oomKills !== undefined && oomKills > 0) {
    return new OutOfMemoryError(`${method}: the kernel ended the compute process for want of memory (${how}; its count of such kills rose by ${oomKills})`);
  }
  return new ComputeProcessDiedError(`${method}: the compute process ended (${how})`);
}

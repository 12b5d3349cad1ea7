import { COMPUTE_QUEUE, ORCHESTRATION_QUEUE } from './campaign';
import type { ExecutionProvider } from './language-model';

/** Task queues by what the machine behind them can do; the names are those of a worker's `--queues`. */
export const TASK_QUEUES = {
  orchestration: ORCHESTRATION_QUEUE,
  /** Any processor. */
  compute: COMPUTE_QUEUE,
  'compute-cuda': 'seal-compute-cuda',
  'compute-webgpu': 'seal-compute-webgpu',
} as const;

export type QueueName = keyof typeof TASK_QUEUES;
export type ComputeQueueName = Exclude<QueueName, 'orchestration'>;

export const QUEUE_NAMES = Object.keys(TASK_QUEUES) as QueueName[];

/**
 * The queue of a campaign that computes on these providers: of the first accelerator among them, since every machine has the
 * processor that takes what is left.
 */
export function computeQueueOf(providers: readonly ExecutionProvider[]): ComputeQueueName {
  const accelerator = providers.find((provider) => provider !== 'cpu');
  return accelerator === undefined ? 'compute' : `compute-${accelerator}`;
}

/** The accelerator that a queue's campaigns need; null for those that need none. */
export function acceleratorOf(queue: QueueName): ExecutionProvider | null {
  switch (queue) {
    case 'compute-cuda':
      return 'cuda';
    case 'compute-webgpu':
      return 'webgpu';
    case 'orchestration':
    case 'compute':
      return null;
  }
}

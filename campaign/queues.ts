import { COMPUTE_QUEUE, ORCHESTRATION_QUEUE } from './campaign';
import type { ExecutionProvider } from './language-model';

/** Task queues by what their tasks need; the names are those of a worker's `--queues`. */
export const TASK_QUEUES = {
  /** Workflows and their local activities. */
  orchestration: ORCHESTRATION_QUEUE,
  /** Short reads and writes, and waiting for workflows and endpoints: nothing that takes the language model. */
  bookkeeping: 'seal-bookkeeping',
  /** Any processor. */
  compute: COMPUTE_QUEUE,
  'compute-cuda': 'seal-compute-cuda',
  'compute-webgpu': 'seal-compute-webgpu',
} as const;

export type QueueName = keyof typeof TASK_QUEUES;
export type ComputeQueueName = Exclude<QueueName, 'orchestration' | 'bookkeeping'>;

export const QUEUE_NAMES = Object.keys(TASK_QUEUES) as QueueName[];

/**
 * Activities of one compute queue that a worker holds at once: one that has the device, and one that fetches its inputs, uploads its
 * results or waits, so that the device never does. What waits beyond them waits at the server, which knows priorities and other workers.
 */
export const COMPUTE_SLOTS = 2;

/** Whether the tasks of a queue need the language model. */
export function isComputeQueue(queue: QueueName): queue is ComputeQueueName {
  return queue !== 'orchestration' && queue !== 'bookkeeping';
}

/** Activities that a worker of every compute queue holds at once: they take turns at its language model. */
export const MOST_COMPUTE_SLOTS = COMPUTE_SLOTS * QUEUE_NAMES.filter(isComputeQueue).length;

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
    case 'bookkeeping':
    case 'compute':
      return null;
  }
}

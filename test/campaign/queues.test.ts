import { COMPUTE_QUEUE } from '../../campaign/campaign';
import { acceleratorOf, computeQueueOf, isComputeQueue, QUEUE_NAMES, TASK_QUEUES } from '../../campaign/queues';

test('a campaign computes where its first accelerator is, one without any on the queue of every processor', () => {
  expect(TASK_QUEUES[computeQueueOf(['cpu'])]).toBe(COMPUTE_QUEUE);
  expect(computeQueueOf(['cuda', 'cpu'])).toBe('compute-cuda');
  expect(computeQueueOf(['cpu', 'webgpu'])).toBe('compute-webgpu');
  expect(computeQueueOf(['webgpu', 'cuda'])).toBe('compute-webgpu');
});

test('each accelerator has the queue that needs it', () => {
  for (const queue of QUEUE_NAMES) {
    const accelerator = acceleratorOf(queue);
    if (accelerator !== null) expect(computeQueueOf([accelerator])).toBe(queue);
  }
});

test('workflows and bookkeeping need no language model', () => {
  expect(QUEUE_NAMES.filter((queue) => !isComputeQueue(queue))).toEqual(['orchestration', 'bookkeeping']);
});

import { BadInputError } from '../campaign/errors';
import { acceleratorOf, type QueueName } from '../campaign/queues';
import { whyNoCuda } from '../engine/runtime/cuda-libraries';

/** @throws BadInputError naming the queue whose campaigns this machine could only fail */
export function refuseUnservable(queues: readonly QueueName[]): void {
  const cuda = queues.find((queue) => acceleratorOf(queue) === 'cuda');
  const missing = cuda === undefined ? null : whyNoCuda();
  if (missing !== null) throw new BadInputError({ where: '--queues', expected: 'queues whose campaigns this machine can compute', got: `${cuda}: ${missing}` });
}

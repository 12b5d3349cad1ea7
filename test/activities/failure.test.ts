import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { ComputeTimeoutError } from '../../activities/execution/compute-gate';
import { toFailure } from '../../activities/execution/failure';
import * as errors from '../../campaign/errors';
import { FAILURE_CLASSES } from '../../campaign/failures';

type ErrorClass = new (message: never) => Error;

/** Every error class of ours that an activity may meet; cancellation is no failure. */
const CLASSES = Object.entries({ ...errors, ComputeTimeoutError }).filter(
  ([name, value]) => name.endsWith('Error') && value !== errors.ComputeCancelledError,
) as [string, ErrorClass][];

function made(type: ErrorClass): Error {
  const text = type === (errors.BadInputError as ErrorClass) ? { where: 'a', expected: 'b', got: 'c' } : 'it broke';
  return new type(text as never);
}

test.each(CLASSES)('%s has a row of its own in the table, and fails as it says', (name, type) => {
  const policy = Object.values(FAILURE_CLASSES).find(({ types }) => (types as readonly string[]).includes(name));
  expect(policy).toBeDefined();
  expect(toFailure(made(type), false)).toMatchObject({ type: name, nonRetryable: policy?.retriedBy !== 'server' });
});

test('every type of the table that activities throw is a class of ours', () => {
  const thrown = Object.entries(FAILURE_CLASSES).flatMap(([name, { types }]) => (name === 'worker-lost' ? [] : [...types]));
  // The codec's own, before any activity runs.
  expect(thrown.filter((type) => type !== 'KeyMissingError').sort()).toEqual(CLASSES.map(([name]) => name).sort());
});

test('anything else is a bug: it fails at once and says where', () => {
  class OurOwnError extends errors.ServerUnreachableError {
    override readonly name = 'OurOwnError' as never;
  }
  for (const [error, type] of [
    [new TypeError('undefined is not a function'), 'TypeError'],
    [new OurOwnError('a subclass is not what the table names'), 'OurOwnError'],
  ] as const) {
    const failure = toFailure(error, false);
    expect(failure).toMatchObject({ type, nonRetryable: true });
    expect(failure.message).toMatch(/\(at (dist\/)?test\/activities\/failure\.test\.[jt]s:\d+:\d+\)$/);
  }
  expect(toFailure('a text', false)).toMatchObject({ type: 'Error', message: expect.stringMatching(/^a text \(at /) as string });
});

test('a full or read-only disk is waited for, however deep in the causes it is', () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, write '/a'"), { code: 'ENOSPC' });
  expect(toFailure(new Error('adapter_model.safetensors', { cause: full }), false)).toMatchObject({
    type: 'DiskFullError',
    nonRetryable: false,
    message: expect.stringContaining('no space left on device') as string,
  });
});

test('what a cancelled activity meets on its way out is its cancellation', () => {
  for (const error of [new errors.ComputeCancelledError('stopped'), new errors.ComputeProcessDiedError('stopped')]) {
    expect(toFailure(error, true)).toBeInstanceOf(CancelledFailure);
    expect(toFailure(error, false)).toBeInstanceOf(ApplicationFailure);
  }
});

test('a long message is cut, its place is not', () => {
  const { message } = toFailure(new Error('x'.repeat(100_000)), false);
  expect(message.length).toBeLessThan(2000);
  expect(message).toMatch(/ \(at /);
});

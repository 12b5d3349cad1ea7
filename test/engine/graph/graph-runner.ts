import { InferenceSession, Tensor as Value } from 'onnxruntime-node';

// Runs graphs for the tests, outside Jest, whose realm has typed arrays that onnxruntime-node does not take for its own.

export interface Feed {
  readonly dtype: string;
  readonly data: readonly number[];
  readonly shape: readonly number[];
}

export interface RunnerCall {
  /** An ONNX model. */
  readonly model: Uint8Array;
  /** One run each. */
  readonly runs: readonly Readonly<Record<string, Feed>>[];
}

export type RunnerReply = { readonly results: Record<string, number[]>[] } | { readonly error: string };

function toValue({ dtype, data, shape }: Feed): Value {
  if (dtype === 'int64') return new Value('int64', BigInt64Array.from(data.map(BigInt)), shape);
  if (dtype === 'uint32') return new Value('uint32', Uint32Array.from(data), shape);
  if (dtype === 'bool') return new Value('bool', Uint8Array.from(data), shape);
  return new Value('float32', Float32Array.from(data), shape);
}

async function answer({ model, runs }: RunnerCall): Promise<RunnerReply> {
  const session = await InferenceSession.create(model);
  const results: Record<string, number[]>[] = [];
  for (const feeds of runs) {
    const values = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, toValue(feed)]));
    const outputs = await session.run(values);
    results.push(Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, Array.from(data as Float32Array, Number)])));
  }
  await session.release();
  return { results };
}

process.on('message', (call: RunnerCall) => {
  answer(call).then(
    (reply) => process.send?.(reply),
    (error: unknown) => process.send?.({ error: String(error) } satisfies RunnerReply),
  );
});

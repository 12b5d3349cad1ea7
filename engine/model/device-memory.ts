import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { ComputeSettings } from '../../campaign/language-model';
import { Graph } from '../graph/graph';
import { keepsResultsOnDevice, providersOf } from '../runtime/execution-providers';
import { openSession } from '../runtime/session';
import { floats } from './tensors';

/** Copies a float32 [N, P] out of the device's memory. */
export type ReadBack = (tensor: Tensor) => Promise<Float32Array>;

/**
 * The way back from a device whose results stay there from run to run; undefined where every result comes back by itself (the CPU, and
 * CUDA, for which onnxruntime-node has no binding).
 *
 * onnxruntime-node 1.30 cannot download a tensor itself (its `getData` ends the process), so that a graph of one copy does it.
 */
export async function openReadBack(compute: ComputeSettings = {}): Promise<ReadBack | undefined> {
  const executionProviders = providersOf(compute);
  if (!keepsResultsOnDevice(executionProviders)) return undefined;
  const graph = new Graph();
  graph.output('copy', graph.input('value', 'float32', ['N', 'P']));
  const session: InferenceSession = await openSession(graph, { executionProviders });
  return async (tensor) => floats((await session.run({ value: tensor }))['copy']);
}

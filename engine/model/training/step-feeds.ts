import type { Tensor } from 'onnxruntime-node';
import { dropoutRowKey } from '../lora/dropout';
import { type TokenBatch, type TokenRow, countLossTokens, packRows } from '../rows';
import { floatTensor, integerTensor, unsignedTensor } from '../tensors';
import type { AdapterStep } from './training-stack';

/** What a training graph reads of each part of a step: rows, and the adapters' scales. */
export function partFeeds(adapters: readonly AdapterStep[]): Record<string, Tensor>[] {
  const lossTokens = adapters.map(({ rows }) => countLossTokens(rows));
  const isDropping = adapters.some(({ dropout }) => dropout > 0);
  const keyed = isDropping ? adapters.map(withDropoutKeys) : adapters;
  return partsOfStep(keyed).map((rows) => {
    const batch = packRows(rows, lossTokens);
    return {
      ...rowFeeds(batch),
      scale: scaleTensor(adapters),
      ...(isDropping && { dropoutKeys: unsignedTensor(batch.dropoutKeys, [batch.N, batch.B * batch.T]) }),
    };
  });
}

/** Float32 [N, 1, columns]. What is kept of the adapters' input stands for what is dropped. */
function scaleTensor(adapters: readonly AdapterStep[]): Tensor {
  const scales = adapters.flatMap(({ scales: ofAdapter, dropout }) => Array.from(ofAdapter, (scale) => scale * (1 / (1 - dropout))));
  return floatTensor(Float32Array.from(scales), [adapters.length, 1, scales.length / adapters.length]);
}

/** Rows of each adapter in each part of a step; where an adapter has fewer parts than another, none. */
export function partsOfStep(adapters: readonly Pick<AdapterStep, 'rows' | 'optimiser'>[]): TokenRow[][][] {
  const ofAdapter = adapters.map(({ rows, optimiser: { accumulation = 1 } }) => {
    const size = Math.ceil(rows.length / accumulation);
    return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size));
  });
  const count = Math.max(...ofAdapter.map((parts) => parts.length));
  return Array.from({ length: count }, (_, i) => ofAdapter.map((parts) => parts[i] ?? []));
}

/** A row's key is its place in the step: neither the parts of the step nor other jobs change it. */
function withDropoutKeys(adapter: AdapterStep): AdapterStep {
  const { seed, t, rows } = adapter;
  return { ...adapter, rows: rows.map((row, i) => ({ ...row, dropoutKey: dropoutRowKey(seed, t - 1, i) })) };
}

function rowFeeds(batch: TokenBatch): Record<string, Tensor> {
  const { N, B, T } = batch;
  return {
    ids: integerTensor(batch.ids, [N, B, T]),
    positions: integerTensor(batch.positions, [B * N, T]),
    segments: integerTensor(batch.segments, [B * N, T]),
    labels: integerTensor(batch.labels, [N, B * T]),
    weights: floatTensor(batch.weights, [N, B * T]),
  };
}

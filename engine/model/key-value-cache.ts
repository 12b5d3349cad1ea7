import type { Tensor } from 'onnxruntime-node';
import type { ModelConfig } from '../files/model-config';
import { floatTensor } from './tensors';

/** Bytes that one token of one row takes. */
export function cacheBytesAToken({ layers, kvHeads, headDim }: ModelConfig): number {
  return 2 * layers * kvHeads * headDim * Float32Array.BYTES_PER_ELEMENT;
}

/**
 * Keys and values of R rows in S slots, float32 [R, K, S, D] a layer and kind, which the decoding graph writes in place: slot s holds
 * the token at place s of its row.
 */
export class KeyValueCache {
  private constructor(
    private readonly config: ModelConfig,
    readonly rows: number,
    readonly slots: number,
    private readonly buffers: readonly { readonly name: string; readonly data: Float32Array }[],
  ) {}

  static empty(config: ModelConfig, rows: number, slots: number): KeyValueCache {
    const names = Array.from({ length: config.layers }, (_, layer) => [`keys.${layer}`, `values.${layer}`]).flat();
    const size = rows * config.kvHeads * slots * config.headDim;
    return new KeyValueCache(config, rows, slots, names.map((name) => ({ name, data: new Float32Array(size) })));
  }

  feeds(): Record<string, Tensor> {
    return Object.fromEntries(this.buffers.map(({ name, data }) => [`past.${name}`, this.tensor(data)]));
  }

  /** The same memory as the feeds'. */
  fetches(): Record<string, Tensor> {
    return Object.fromEntries(this.buffers.map(({ name, data }) => [name, this.tensor(data)]));
  }

  /** Copies the first `tokens` slots of a row of `from` into a row of this cache. */
  copyRow(from: KeyValueCache, fromRow: number, toRow: number, tokens: number): void {
    const { kvHeads: K, headDim: D } = this.config;
    this.buffers.forEach(({ data }, i) => {
      const source = (from.buffers[i] as { data: Float32Array }).data;
      for (let k = 0; k < K; k += 1) {
        const start = (fromRow * K + k) * from.slots * D;
        data.set(source.subarray(start, start + tokens * D), (toRow * K + k) * this.slots * D);
      }
    });
  }

  /** A cache with room for more tokens, holding the first `lengths[r]` of each row. */
  withSlots(slots: number, lengths: readonly number[]): KeyValueCache {
    const grown = KeyValueCache.empty(this.config, this.rows, slots);
    lengths.forEach((length, row) => grown.copyRow(this, row, row, length));
    return grown;
  }

  /** The first rows only, in the same memory. */
  firstRows(rows: number): KeyValueCache {
    const size = rows * this.config.kvHeads * this.slots * this.config.headDim;
    return new KeyValueCache(this.config, rows, this.slots, this.buffers.map(({ name, data }) => ({ name, data: data.subarray(0, size) })));
  }

  private tensor(data: Float32Array): Tensor {
    return floatTensor(data, [this.rows, this.config.kvHeads, this.slots, this.config.headDim]);
  }
}

import type { Tensor } from 'onnxruntime-node';
import type { ModelConfig } from '../../files/model-config';
import { floatTensor } from '../tensors';

/** Bytes that one token of one row takes. */
export function cacheBytesAToken({ layers, kvHeads, headDim }: ModelConfig): number {
  return 2 * layers * kvHeads * headDim * Float32Array.BYTES_PER_ELEMENT;
}

/** Keys and values of the tokens of one run, float32 [R, K, T, D] by name (`keys.<layer>`, `values.<layer>`). */
export interface FreshKeyValues {
  readonly tokens: number;
  readonly named: (name: string) => Float32Array;
}

/**
 * Keys and values of R rows in S slots, float32 [R, K, S, D] a layer and kind: slot s holds the token at place s of its row. It lies in
 * memory of our own, which the decoding graph reads and this class writes.
 */
export class KeyValueCache {
  private constructor(
    private readonly config: ModelConfig,
    readonly rows: number,
    readonly slots: number,
    private readonly buffers: ReadonlyMap<string, Float32Array>,
  ) {}

  static empty(config: ModelConfig, rows: number, slots: number): KeyValueCache {
    const names = Array.from({ length: config.layers }, (_, layer) => [`keys.${layer}`, `values.${layer}`]).flat();
    const size = rows * config.kvHeads * slots * config.headDim;
    return new KeyValueCache(config, rows, slots, new Map(names.map((name) => [name, new Float32Array(size)])));
  }

  feeds(): Record<string, Tensor> {
    const dims = [this.rows, this.config.kvHeads, this.slots, this.config.headDim];
    return Object.fromEntries([...this.buffers].map(([name, data]) => [`past.${name}`, floatTensor(data, dims)]));
  }

  /** Writes the first `count` tokens of a row of a run into a row of this cache, from slot `start` on. */
  write({ tokens, named }: FreshKeyValues, fromRow: number, toRow: number, start: number, count: number): void {
    const { kvHeads: K, headDim: D } = this.config;
    for (const [name, data] of this.buffers) copyHeads(named(name), tokens, fromRow * K, data, this.slots, toRow * K, { heads: K, width: D, start, count });
  }

  /** Copies the first `count` slots of a row of `from` into a row of this cache. */
  copyRow(from: KeyValueCache, fromRow: number, toRow: number, count: number): void {
    const { kvHeads: K, headDim: D } = this.config;
    for (const [name, data] of this.buffers) {
      copyHeads(from.buffers.get(name) as Float32Array, from.slots, fromRow * K, data, this.slots, toRow * K, { heads: K, width: D, start: 0, count });
    }
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
    return new KeyValueCache(this.config, rows, this.slots, new Map([...this.buffers].map(([name, data]) => [name, data.subarray(0, size)])));
  }
}

/** Copies `count` slots of neighbouring heads [slots, width] from slot 0 of `source` to slot `start` of `target`. */
function copyHeads(
  source: Float32Array,
  sourceSlots: number,
  sourceHead: number,
  target: Float32Array,
  targetSlots: number,
  targetHead: number,
  { heads, width, start, count }: { readonly heads: number; readonly width: number; readonly start: number; readonly count: number },
): void {
  for (let k = 0; k < heads; k += 1) {
    const from = (sourceHead + k) * sourceSlots * width;
    target.set(source.subarray(from, from + count * width), ((targetHead + k) * targetSlots + start) * width);
  }
}

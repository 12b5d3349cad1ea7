import { PROJECTIONS, type LoraSettings } from '../../contracts/language-model';
import { type Adapter, adapterKey } from '../files/adapter';
import { type ModelConfig, projectionShape } from '../files/model-config';
import { Add, Mul } from '../graph/ops/elementwise';
import { MatMul } from '../graph/ops/mat-mul';
import { Reshape, Split, transposeLast } from '../graph/ops/shape';
import type { Tensor } from '../graph/tensor';
import { symmetric } from './random';

/** One LoRA matrix within the flat vector that holds them all. */
export interface LoraSlot {
  readonly key: string;
  readonly matrix: 'a' | 'b';
  /** A is [r, in], B is [out, r]. */
  readonly shape: readonly [number, number];
  readonly offset: number;
  readonly size: number;
}

/**
 * Where each LoRA matrix lies in the flat parameter vector [P] of an adapter. One vector, so that clipping and AdamW are a few
 * operators over all matrices at once, and N adapters are [N, P].
 */
export interface LoraLayout {
  readonly settings: LoraSettings;
  readonly slots: readonly LoraSlot[];
  /** P, elements of an adapter. */
  readonly size: number;
}

export function loraLayout(config: ModelConfig, settings: LoraSettings): LoraLayout {
  const slots: LoraSlot[] = [];
  let offset = 0;
  const add = (key: string, matrix: 'a' | 'b', shape: readonly [number, number]): void => {
    const size = shape[0] * shape[1];
    slots.push({ key, matrix, shape, offset, size });
    offset += size;
  };
  for (let layer = 0; layer < config.layers; layer += 1) {
    for (const projection of PROJECTIONS.filter((name) => settings.targets.includes(name))) {
      const [out, inp] = projectionShape(config, projection);
      add(adapterKey(layer, projection), 'a', [settings.rank, inp]);
      add(adapterKey(layer, projection), 'b', [out, settings.rank]);
    }
  }
  return { settings, slots, size: offset };
}

/** What a projection adds to its frozen output: scale * (x A') B'. */
export type LoraDelta = (key: string, x: Tensor) => Tensor | undefined;

/**
 * The adapters' part of every projection.
 *
 * @param parameters float32 [N, P], laid out as `layout` says
 * @param scale float32 [N, 1, 1]: alpha / rank of each adapter
 * @returns for a projection's input [N, M, in] what is added to its output [N, M, out]; undefined where no adapter is
 *
 * Source: LoRA (arXiv 2106.09685), section 4.1.
 */
export function loraDelta(layout: LoraLayout, parameters: Tensor, scale: Tensor): LoraDelta {
  const pieces = Split(parameters, layout.slots.map(({ size }) => size), 1);
  const matrices = new Map<string, Tensor>();
  layout.slots.forEach(({ key, matrix, shape }, i) => {
    matrices.set(`${key}.${matrix}`, Reshape(pieces[i] as Tensor, ['N', ...shape]));
  });
  return (key, x) => {
    const a = matrices.get(`${key}.a`);
    const b = matrices.get(`${key}.b`);
    if (a === undefined || b === undefined) return undefined;
    // [N, M, in] [N, in, r] -> [N, M, r], scaled where it is smallest
    const narrow = Mul(MatMul(x, transposeLast(a)), scale);
    return MatMul(narrow, transposeLast(b));
  };
}

/** Adds the adapters' part to a frozen projection's output. */
export function withDelta(frozen: Tensor, delta: Tensor | undefined): Tensor {
  return delta === undefined ? frozen : Add(frozen, delta);
}

/**
 * A fresh adapter: A kaiming-uniform(sqrt 5), that is uniform in +-1/sqrt(in), and B zero.
 *
 * @returns float32 [P]
 * Source: PEFT `reset_lora_parameters`; PyTorch `kaiming_uniform_`.
 */
export function initialiseLora(layout: LoraLayout, random: () => number): Float32Array {
  const parameters = new Float32Array(layout.size);
  for (const { matrix, shape, offset, size } of layout.slots) {
    if (matrix === 'b') continue;
    const bound = 1 / Math.sqrt(shape[1]);
    for (let i = 0; i < size; i += 1) parameters[offset + i] = bound * symmetric(random);
  }
  return parameters;
}

/** An adapter's matrices as its flat vector [P]. */
export function flattenAdapter(layout: LoraLayout, adapter: Adapter): Float32Array {
  const parameters = new Float32Array(layout.size);
  for (const { key, matrix, offset } of layout.slots) {
    const matrices = adapter.matrices.get(key);
    if (matrices === undefined) throw new Error(`adapter: no matrices for ${key}`);
    parameters.set(matrices[matrix], offset);
  }
  return parameters;
}

/** The reverse of `flattenAdapter`; the matrices are copies. */
export function unflattenAdapter(layout: LoraLayout, parameters: Float32Array): Adapter {
  const slice = ({ offset, size }: LoraSlot): Float32Array => parameters.slice(offset, offset + size);
  const bySlot = new Map(layout.slots.map((slot) => [`${slot.key}.${slot.matrix}`, slot]));
  const keys = layout.slots.filter(({ matrix }) => matrix === 'a').map(({ key }) => key);
  const matrices = new Map(
    keys.map((key) => [
      key,
      { a: slice(bySlot.get(`${key}.a`) as LoraSlot), b: slice(bySlot.get(`${key}.b`) as LoraSlot) },
    ]),
  );
  const { rank, alpha, targets } = layout.settings;
  return { rank, alpha, targets: PROJECTIONS.filter((name) => targets.includes(name)), matrices };
}

import type { LoraSettings, Projection } from '../../../campaign/language-model';
import { type AdaptedModule, adaptedModules } from '../../files/adapted-modules';
import type { Adapter } from '../../files/adapter';
import { type ModelConfig, projectionShape } from '../../files/model-config';
import type { Graph } from '../../graph/graph';
import { Add, Mul } from '../../graph/ops/elementwise';
import { MatMul } from '../../graph/ops/mat-mul';
import { Reshape, Split } from '../../graph/ops/shape';
import type { Tensor } from '../../graph/tensor';
import { type Dropout, dropped } from './dropout';
import { symmetric } from '../random';

/** Projections that read the same input: their A matrices lie side by side, so that one GEMM narrows the input for all of them. */
const SAME_INPUT: readonly (readonly Projection[])[] = [['q_proj', 'k_proj', 'v_proj'], ['o_proj'], ['gate_proj', 'up_proj'], ['down_proj']];

/** One adapted projection within the flat vector. */
export interface LoraModule {
  readonly key: string;
  readonly projection: Projection;
  readonly rank: number;
  readonly outWidth: number;
  /** Of its first rank column within its group. */
  readonly column: number;
  /** Of B', [rank, out] row-major. */
  readonly offset: number;
}

/** The adapted projections of one input. */
export interface LoraGroup {
  readonly layer: number;
  readonly modules: readonly LoraModule[];
  readonly inWidth: number;
  /** Rank columns of all its modules. */
  readonly rank: number;
  /** Of A', [in, rank] row-major. */
  readonly offset: number;
}

/** A matrix of the flat vector. */
export interface LoraSlot {
  readonly offset: number;
  readonly shape: readonly [rows: number, columns: number];
}

/**
 * Where each LoRA matrix lies in the flat parameter vector [P] of an adapter. Matrices are kept transposed, A' [in, r] and B' [r, out]:
 * then no product, forward or backward, needs a transposed copy of them.
 */
export interface LoraLayout {
  readonly groups: readonly LoraGroup[];
  /** A' of each group and B' of each of its modules, in the vector's order. */
  readonly slots: readonly LoraSlot[];
  /** P, elements of an adapter. */
  readonly size: number;
  /** Rank columns of all groups. */
  readonly columns: number;
}

/** The layout of an adapter by itself. */
export interface AdapterLayout extends LoraLayout {
  readonly settings: LoraSettings;
  /** Of each rank column: float32 [columns]. */
  readonly scales: Float32Array;
}

/** Equal for layouts that one graph serves. */
export function layoutKey({ groups }: LoraLayout): string {
  return groups.flatMap(({ modules }) => modules.map(({ key, rank }) => `${key}=${rank}`)).join(' ');
}

export function loraLayout(config: ModelConfig, settings: LoraSettings): AdapterLayout {
  const adapted = adaptedModules(settings, config);
  const layout = layoutOf(config, adapted);
  const scaleOf = new Map(adapted.map(({ key, scale }) => [key, scale]));
  const scales = layout.groups.flatMap(({ modules }) => modules.flatMap(({ key, rank }) => new Array<number>(rank).fill(scaleOf.get(key) as number)));
  return { ...layout, settings, scales: Float32Array.from(scales) };
}

/** @param adapted in any order, none of them twice */
export function layoutOf(config: ModelConfig, adapted: readonly Omit<AdaptedModule, 'scale'>[]): LoraLayout {
  const groups: LoraGroup[] = [];
  let size = 0;
  const take = (elements: number): number => (size += elements) - elements;
  for (let layer = 0; layer < config.layers; layer += 1) {
    const inLayer = adapted.filter((module) => module.layer === layer);
    for (const together of SAME_INPUT) {
      const ofInput = together.flatMap((projection) => inLayer.filter((module) => module.projection === projection));
      const [first] = ofInput;
      if (first === undefined) continue;
      const inWidth = projectionShape(config, first.projection)[1];
      const rank = ofInput.reduce((sum, module) => sum + module.rank, 0);
      const offset = take(inWidth * rank);
      let columns = 0;
      const modules = ofInput.map(({ key, projection, rank: ofModule }): LoraModule => {
        const outWidth = projectionShape(config, projection)[0];
        const column = columns;
        columns += ofModule;
        return { key, projection, rank: ofModule, outWidth, column, offset: take(ofModule * outWidth) };
      });
      groups.push({ layer, modules, inWidth, rank, offset });
    }
  }
  return { groups, slots: groups.flatMap(slotsOf), size, columns: groups.reduce((sum, { rank }) => sum + rank, 0) };
}

function slotsOf({ offset, inWidth, rank, modules }: LoraGroup): LoraSlot[] {
  return [{ offset, shape: [inWidth, rank] }, ...modules.map((module): LoraSlot => ({ offset: module.offset, shape: [module.rank, module.outWidth] }))];
}

/** The matrices of each slot as a graph's inputs: `parameters.<i>` float32 [N, rows, columns]. */
export function slotInputs(graph: Graph, { slots }: LoraLayout): Tensor[] {
  return slots.map(({ shape }, i) => graph.input(`parameters.${i}`, 'float32', ['N', ...shape]));
}

/** Cuts vectors float32 [N, P] into the matrices of each slot, [N, rows, columns]. */
export function splitSlots({ slots }: LoraLayout, vectors: Tensor): Tensor[] {
  const pieces = Split(vectors, slots.map(({ shape: [rows, columns] }) => rows * columns), 1);
  return pieces.map((piece, i) => Reshape(piece, ['N', ...(slots[i] as LoraSlot).shape]));
}

/** The adapters' part of every projection. */
export interface LoraDelta {
  /** What is added to projections of one input [N, M, in] in a layer: scale * (x A') B', [N, M, out] each; undefined where no adapter is. */
  readonly add: (layer: number, projections: readonly Projection[], x: Tensor) => (Tensor | undefined)[];
  /** The matrices of a layer. */
  readonly matricesOf: (layer: number) => Tensor[];
}

/**
 * @param slots the matrices of each slot of the layout, float32 [N, rows, columns]
 * @param scale float32 [N, 1, columns]: of each rank column
 * @param dropout of a training step. @default none
 *
 * Source: LoRA (arXiv 2106.09685), section 4.1.
 */
export function loraDelta({ groups }: LoraLayout, slots: readonly Tensor[], scale: Tensor, dropout?: Dropout): LoraDelta {
  const inOrder = slots[Symbol.iterator]();
  const next = (): Tensor => inOrder.next().value as Tensor;
  const matrices = groups.map(({ modules }) => ({ a: next(), bs: modules.map(next) }));
  const scales = split(scale, groups.map(({ rank }) => rank), 2);
  const matricesOf = (layer: number): Tensor[] => matrices.filter((_, i) => groups[i]?.layer === layer).flatMap(({ a, bs }) => [a, ...bs]);
  const add: LoraDelta['add'] = (layer, projections, x) => {
    const at = groups.findIndex((group) => group.layer === layer && group.modules.some(({ projection }) => projections.includes(projection)));
    const group = groups[at];
    if (group === undefined) return projections.map(() => undefined);
    const { a, bs } = matrices[at] as (typeof matrices)[number];
    const columns = narrowed(group, x, a, scales[at] as Tensor, dropout);
    const deltas = group.modules.map((_, i) => MatMul(columns[i] as Tensor, bs[i] as Tensor));
    return projections.map((wanted) => deltas[group.modules.findIndex(({ projection }) => projection === wanted)]);
  };
  return { add, matricesOf };
}

/** Of each module (x A') scale, [N, M, in] -> [N, M, r], scaled where it is smallest. */
function narrowed({ modules }: LoraGroup, x: Tensor, a: Tensor, scale: Tensor, dropout: Dropout | undefined): Tensor[] {
  const ranks = modules.map(({ rank }) => rank);
  if (dropout === undefined) return split(Mul(MatMul(x, a), scale), ranks, 2);
  // Each drops other elements of the input: there is no product to share.
  const [factors, scales] = [split(a, ranks, 2), split(scale, ranks, 2)];
  return modules.map(({ key }, i) => Mul(MatMul(dropped(x, dropout, key), factors[i] as Tensor), scales[i] as Tensor));
}

function split(x: Tensor, sizes: readonly number[], axis: number): Tensor[] {
  return sizes.length === 1 ? [x] : Split(x, sizes, axis);
}

/** The adapters of a graph that only reads them, as inputs: those of `slotInputs` and `scale` [N, 1, columns]; none without a layout. */
export function adapterInputs(graph: Graph, layout: LoraLayout | null): LoraDelta | undefined {
  if (layout === null) return undefined;
  return loraDelta(layout, slotInputs(graph, layout), graph.input('scale', 'float32', ['N', 1, layout.columns]));
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
  for (const group of layout.groups) {
    const bound = 1 / Math.sqrt(group.inWidth);
    for (const { rank, column } of group.modules) {
      // In the order of A, [r, in]: that is what a seed gives.
      for (let r = 0; r < rank; r += 1) {
        for (let i = 0; i < group.inWidth; i += 1) parameters[group.offset + i * group.rank + column + r] = bound * symmetric(random);
      }
    }
  }
  return parameters;
}

/** An adapter's matrices as its flat vector [P]. */
export function flattenAdapter(layout: LoraLayout, adapter: Adapter): Float32Array {
  const parameters = new Float32Array(layout.size);
  for (const group of layout.groups) {
    for (const module of group.modules) {
      const matrices = adapter.matrices.get(module.key);
      if (matrices === undefined) throw new Error(`adapter: no matrices for ${module.key}`);
      placeA(parameters, group, module, matrices.a);
      parameters.set(transposed(matrices.b, module.outWidth, module.rank), module.offset);
    }
  }
  return parameters;
}

/** The reverse of `flattenAdapter`; the matrices are copies. */
export function unflattenAdapter(layout: AdapterLayout, parameters: Float32Array): Adapter {
  const matrices = new Map(
    layout.groups.flatMap((group) =>
      group.modules.map((module) => {
        const b = parameters.subarray(module.offset, module.offset + module.rank * module.outWidth);
        return [module.key, { a: takeA(parameters, group, module), b: transposed(b, module.rank, module.outWidth) }] as const;
      }),
    ),
  );
  return { ...layout.settings, matrices };
}

/** Writes A [r, in] into its columns of the group's A' [in, R]. */
function placeA(parameters: Float32Array, { inWidth, rank: R, offset }: LoraGroup, { rank, column }: LoraModule, a: Float32Array): void {
  for (let r = 0; r < rank; r += 1) {
    for (let i = 0; i < inWidth; i += 1) parameters[offset + i * R + column + r] = a[r * inWidth + i] as number;
  }
}

function takeA(parameters: Float32Array, { inWidth, rank: R, offset }: LoraGroup, { rank, column }: LoraModule): Float32Array {
  const a = new Float32Array(rank * inWidth);
  for (let r = 0; r < rank; r += 1) {
    for (let i = 0; i < inWidth; i += 1) a[r * inWidth + i] = parameters[offset + i * R + column + r] as number;
  }
  return a;
}

/** [rows, columns] row-major as [columns, rows]. */
function transposed(matrix: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(matrix.length);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) result[column * rows + row] = matrix[row * columns + column] as number;
  }
  return result;
}

import type { Tensor } from 'onnxruntime-node';
import { BadInputError } from '../../../campaign/errors';
import type { LoraSettings } from '../../../campaign/language-model';
import { type AdaptedModule, adaptedModules } from '../../files/adapted-modules';
import { readAdapter } from '../../files/adapter';
import type { ModelConfig } from '../../files/model-config';
import type { ModelDirectory } from '../../files/model-directory';
import { type AdapterLayout, type LoraLayout, flattenAdapter, loraLayout } from './lora';
import { placedInStack, scalesInStack, stackedLayout } from './stacked-layout';
import { floatTensor } from '../tensors';

/** N adapters, ready to feed. */
export interface AdapterStack {
  readonly layout: LoraLayout;
  /** `parameters.<i>` [N, rows, columns] of each slot and `scale` [N, 1, columns] of some of the adapters. @default all */
  feeds(members?: readonly number[]): Record<string, Tensor>;
}

/**
 * Reads adapters that run stacked, of whatever shapes.
 *
 * @throws BadInputError for one that does not fit the model
 */
export function stackAdapters(directories: readonly string[], { config, tensors }: ModelDirectory): AdapterStack {
  const adapters = directories.map((directory) => readAdapter(directory, config, tensors));
  const layouts = adapters.map((adapter) => loraLayout(config, adapter));
  const layout = stackedLayout(config, layouts);
  const vectors = adapters.map((adapter, n) => {
    const own = layouts[n] as AdapterLayout;
    return placedInStack(flattenAdapter(own, adapter), own, layout);
  });
  const inputs = [
    ...layout.slots.map(({ offset, shape }, i) => ({
      name: `parameters.${i}`,
      shape,
      matrix: stacked(vectors.map((vector) => vector.subarray(offset, offset + shape[0] * shape[1]))),
    })),
    { name: 'scale', shape: [1, layout.columns] as const, matrix: stacked(layouts.map((own) => scalesInStack(own, layout))) },
  ];
  const feeds: AdapterStack['feeds'] = (members = [...adapters.keys()]) =>
    Object.fromEntries(inputs.map(({ name, shape, matrix }) => [name, floatTensor(rowsOf(matrix, shape[0] * shape[1], members), [members.length, ...shape])]));
  return { layout, feeds };
}

/** Rows of one length, one behind the other. */
function stacked(rows: readonly Float32Array[]): Float32Array {
  const width = rows[0]?.length ?? 0;
  const matrix = new Float32Array(rows.length * width);
  rows.forEach((row, i) => matrix.set(row, i * width));
  return matrix;
}

/** Some rows of a matrix; neighbours are not copied. */
function rowsOf(matrix: Float32Array, width: number, rows: readonly number[]): Float32Array {
  const [first = 0] = rows;
  if (rows.every((row, i) => row === first + i)) return matrix.subarray(first * width, (first + rows.length) * width);
  const picked = new Float32Array(rows.length * width);
  rows.forEach((row, i) => picked.set(matrix.subarray(row * width, (row + 1) * width), i * width));
  return picked;
}

/** @throws BadInputError naming the directory, if the modules or their ranks are not those expected */
export function checkAdapterFits(directory: string, adapter: LoraSettings, expected: LoraSettings, config: ModelConfig): void {
  const [ours, theirs] = [adaptedModules(adapter, config), adaptedModules(expected, config)];
  const isEqual = ours.length === theirs.length && ours.every(({ key, rank }, i) => key === theirs[i]?.key && rank === theirs[i]?.rank);
  if (!isEqual) {
    throw new BadInputError({ where: directory, expected: `an adapter of ${describeModules(theirs)}`, got: describeModules(ours) });
  }
}

function describeModules(modules: readonly AdaptedModule[]): string {
  const ranks = [...new Set(modules.map(({ rank }) => rank))].sort((a, b) => a - b);
  const projections = [...new Set(modules.map(({ projection }) => projection))].sort();
  const layers = new Set(modules.map(({ layer }) => layer));
  return `rank ${ranks.join(' or ')} on ${projections.join(', ')} in ${layers.size} layers`;
}

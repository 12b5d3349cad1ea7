import type { Tensor } from 'onnxruntime-node';
import { BadInputError } from '../../contracts/errors';
import type { LoraSettings } from '../../contracts/language-model';
import { type Adapter, readAdapter } from '../files/adapter';
import type { ModelConfig } from '../files/model-config';
import { type LoraLayout, flattenAdapter, loraLayout } from './lora';
import { floatTensor } from './tensors';

/** N adapters of one shape, ready to feed. */
export interface AdapterStack {
  readonly layout: LoraLayout;
  /** `parameters` [N, P] and `scale` [N, 1, 1]. */
  feeds(): Record<string, Tensor>;
}

/**
 * Reads adapters that run stacked.
 *
 * @throws BadInputError if they differ in rank or targets
 */
export function stackAdapters(directories: readonly string[], config: ModelConfig): AdapterStack {
  const adapters = directories.map((directory) => readAdapter(directory, config));
  const [first] = adapters;
  if (first === undefined) throw new Error('stackAdapters: no adapters');
  adapters.forEach((adapter, n) => checkAdapterFits(directories[n] as string, adapter, first));
  const layout = loraLayout(config, first);
  const parameters = new Float32Array(adapters.length * layout.size);
  adapters.forEach((adapter, n) => parameters.set(flattenAdapter(layout, adapter), n * layout.size));
  const scale = Float32Array.from(adapters, ({ alpha, rank }) => alpha / rank);
  return {
    layout,
    feeds: () => ({
      parameters: floatTensor(parameters, [adapters.length, layout.size]),
      scale: floatTensor(scale, [adapters.length, 1, 1]),
    }),
  };
}

/** @throws BadInputError naming the directory, if rank or targets are not those expected */
export function checkAdapterFits(directory: string, adapter: Adapter, expected: LoraSettings): void {
  const describe = ({ rank, targets }: { readonly rank: number; readonly targets: readonly string[] }): string =>
    `rank ${rank} on ${[...targets].sort().join(', ')}`;
  if (describe(adapter) !== describe(expected)) {
    throw new BadInputError({ where: directory, expected: `an adapter of ${describe(expected)}`, got: describe(adapter) });
  }
}

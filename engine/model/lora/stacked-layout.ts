import type { ModelConfig } from '../../files/model-config';
import { type AdapterLayout, type LoraGroup, type LoraLayout, type LoraModule, layoutOf } from './lora';

// Adapters of unlike shapes run in one stack. Where one has a smaller rank than another, or no part in a module, it has zeros: columns of
// A' and rows of B'. Both factors of such a column being zero, their gradients are too, and AdamW leaves them so. Products over more
// columns may be rounded otherwise: an adapter has the bits that it has alone in a stack of its own shape only.

/** Has room for each of the adapters: their modules, each with the largest rank. */
export function stackedLayout(config: ModelConfig, layouts: readonly LoraLayout[]): LoraLayout {
  const widest = new Map<string, LoraModule & Pick<LoraGroup, 'layer'>>();
  for (const { layer, modules } of layouts.flatMap(({ groups }) => groups)) {
    for (const module of modules) {
      const known = widest.get(module.key);
      if (known === undefined || known.rank < module.rank) widest.set(module.key, { ...module, layer });
    }
  }
  return layoutOf(config, [...widest.values()]);
}

/**
 * @param vector an adapter's own, float32 [P of `own`]
 * @returns float32 [P of `stack`]
 */
export function placedInStack(vector: Float32Array, own: LoraLayout, stack: LoraLayout): Float32Array {
  const placed = new Float32Array(stack.size);
  forEachRun(own, stack, (from, to, length) => placed.set(vector.subarray(from, from + length), to));
  return placed;
}

/** The reverse of `placedInStack`. */
export function takenFromStack(vector: Float32Array, own: LoraLayout, stack: LoraLayout): Float32Array {
  const taken = new Float32Array(own.size);
  forEachRun(own, stack, (to, from, length) => taken.set(vector.subarray(from, from + length), to));
  return taken;
}

/** An adapter's scales, of each rank column of the stack: float32 [columns]; 0 where it has none. */
export function scalesInStack(own: AdapterLayout, stack: LoraLayout): Float32Array {
  const scales = new Float32Array(stack.columns);
  const starts = moduleColumns(stack);
  for (const [key, { start, rank }] of moduleColumns(own)) {
    scales.set(own.scales.subarray(start, start + rank), starts.get(key)?.start);
  }
  return scales;
}

/** Where each module's rank columns begin among those of all groups, by its key. */
function moduleColumns({ groups }: LoraLayout): Map<string, { readonly start: number; readonly rank: number }> {
  let start = 0;
  const entries = groups.flatMap(({ modules }) =>
    modules.map(({ key, rank }) => {
      start += rank;
      return [key, { start: start - rank, rank }] as const;
    }),
  );
  return new Map(entries);
}

/** Visits the elements that lie together both in an adapter's own vector and in the stack's. */
function forEachRun(own: LoraLayout, stack: LoraLayout, visit: (own: number, stack: number, length: number) => void): void {
  const places = new Map(stack.groups.flatMap((group) => group.modules.map((module) => [module.key, { group, module }] as const)));
  for (const group of own.groups) {
    for (const module of group.modules) {
      const place = places.get(module.key);
      if (place === undefined || place.module.rank < module.rank) throw new RangeError(`the stack has no room for ${module.key}`);
      for (let row = 0; row < group.inWidth; row += 1) {
        visit(group.offset + row * group.rank + module.column, place.group.offset + row * place.group.rank + place.module.column, module.rank);
      }
      visit(module.offset, place.module.offset, module.rank * module.outWidth);
    }
  }
}

import type { Tensor } from './tensor';

/** For each of a value's sources, how to build its gradient from the value's; undefined: it has none. */
export type CustomGradient = (dy: Tensor) => readonly ((() => Tensor) | undefined)[];

/**
 * Gives a value, computed by any operators, a gradient of its own: where the chain rule over those operators takes more passes over
 * memory than the algebra needs, or where the value is an approximation of what is differentiated. `gradients` asks `rule` and does
 * not look into how the value was made.
 *
 * @param sources what the value is differentiated by
 */
export function withGradient(value: Tensor, sources: readonly Tensor[], rule: CustomGradient): Tensor {
  const { graph, dtype, shape } = value;
  const [result] = graph.emit('Identity', [value], {}, [{ dtype, shape }], { gradient: { sources, rule } });
  return result as Tensor;
}

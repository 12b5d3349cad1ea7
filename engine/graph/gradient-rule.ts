import type { Node, Tensor } from './tensor';

/** A node as its rule sees it: optional inputs are never part of a rule, so none is missing. */
export interface RuleNode {
  // Tuples of unbounded arity: a rule destructures as many as its operator has.
  readonly inputs: readonly [Tensor, Tensor, Tensor, ...Tensor[]];
  readonly outputs: readonly [Tensor, ...Tensor[]];
  readonly attributes: Node['attributes'];
}

/** For each input, how to build its gradient; undefined: it has none (an index, a condition). Built only when wanted. */
export type GradientRule = (
  node: RuleNode,
  outputGradients: readonly [Tensor, ...(Tensor | undefined)[]],
) => readonly ((() => Tensor) | undefined)[];
export type GradientRules = Readonly<Record<string, GradientRule>>;

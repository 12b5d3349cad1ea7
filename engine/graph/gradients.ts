import type { GradientRules, RuleNode } from './gradient-rule';
import { elementwiseGradients, Add } from './ops/elementwise';
import { gatherGradients } from './ops/gather';
import { matMulGradients } from './ops/mat-mul';
import { normalizationGradients } from './ops/normalization';
import { ReduceSum, reduceGradients } from './ops/reduce';
import { rotaryEmbeddingGradients } from './ops/rotary-embedding';
import { Reshape, expandLike, shapeGradients } from './ops/shape';
import { softmaxGradients } from './ops/softmax';
import { type Node, type Tensor, sameShape, showShape } from './tensor';

/** One rule an operator. */
export const gradientRules: GradientRules = {
  ...elementwiseGradients,
  ...reduceGradients,
  ...shapeGradients,
  ...matMulGradients,
  ...softmaxGradients,
  ...normalizationGradients,
  ...rotaryEmbeddingGradients,
  ...gatherGradients,
};

/**
 * Appends the backward pass of `loss` to its graph: reverse mode, source to source.
 *
 * Only nodes on a path from `parameters` to `loss` get a gradient. The walker sums over broadcast axes and adds up the uses of a
 * tensor, so a rule gives the plain derivative. The loss may have any shape: what is differentiated is the sum of its elements.
 *
 * @param options.seed what flows back into the loss, of its shape. @default ones
 * @param options.firstNode nodes before this one are none of the function that is differentiated. @default 0
 * @returns one tensor a parameter, of the parameter's shape
 * @throws Error when an operator on the path has no rule, a gradient does not fit its tensor, or the loss does not depend on a parameter
 */
export function gradients(
  loss: Tensor,
  parameters: readonly Tensor[],
  { seed = ones(loss), firstNode = 0 }: { readonly seed?: Tensor; readonly firstNode?: number } = {},
): Tensor[] {
  const { graph } = loss;
  const forward = graph.nodes.slice(firstNode);
  const dependent = new Set(parameters.map(({ name }) => name));
  for (const node of forward) {
    if (sourcesOf(node).some((input) => input !== undefined && dependent.has(input.name))) {
      for (const output of node.outputs) dependent.add(output.name);
    }
  }
  const pending = new Map<string, Tensor[]>([[loss.name, [seed]]]);
  for (const node of forward.reverse()) {
    if (!node.outputs.some(({ name }) => dependent.has(name) && pending.has(name))) continue;
    const outputGradients = node.outputs.map((output) => collect(pending, output));
    for (const [input, gradient] of inputGradients(node, outputGradients, dependent)) {
      const uses = pending.get(input.name) ?? [];
      uses.push(sumToShape(gradient, input));
      pending.set(input.name, uses);
    }
  }
  return parameters.map((parameter) => {
    const gradient = collect(pending, parameter);
    if (gradient === undefined) throw new Error(`gradients: the loss does not depend on ${parameter.name}`);
    return gradient;
  });
}

function ones(loss: Tensor): Tensor {
  return expandLike(loss.graph.constant('float32', 1), loss);
}

/** What a node's gradient flows back to. */
function sourcesOf({ gradient, inputs }: Node): Node['inputs'] {
  return gradient?.sources ?? inputs;
}

function inputGradients(
  node: Node,
  outputGradients: readonly (Tensor | undefined)[],
  dependent: ReadonlySet<string>,
): [Tensor, Tensor][] {
  const builders = rulesFor(node, outputGradients);
  return sourcesOf(node).flatMap((input, i): [Tensor, Tensor][] => {
    const build = builders[i];
    return input === undefined || build === undefined || !dependent.has(input.name) ? [] : [[input, build()]];
  });
}

function rulesFor(node: Node, outputGradients: readonly (Tensor | undefined)[]): readonly ((() => Tensor) | undefined)[] {
  if (node.gradient !== undefined) return node.gradient.rule(outputGradients[0] as Tensor);
  const rule = gradientRules[node.operator];
  if (rule === undefined) throw new Error(`gradients: ${node.operator} has no rule`);
  return rule(node as unknown as RuleNode, outputGradients as [Tensor, ...(Tensor | undefined)[]]);
}

/** The sum of all that flowed back into a tensor, taken once. */
function collect(pending: Map<string, Tensor[]>, tensor: Tensor): Tensor | undefined {
  const uses = pending.get(tensor.name);
  if (uses === undefined || uses.length === 0) return undefined;
  const total = uses.reduce((a, b) => Add(a, b));
  pending.set(tensor.name, [total]);
  return total;
}

/** Sums a gradient over the axes along which its tensor was broadcast. */
function sumToShape(gradient: Tensor, tensor: Tensor): Tensor {
  const extra = gradient.shape.length - tensor.shape.length;
  const axes = gradient.shape.flatMap((dim, axis) =>
    axis < extra || (tensor.shape[axis - extra] === 1 && dim !== 1) ? [axis] : [],
  );
  const summed = axes.length === 0 ? gradient : ReduceSum(gradient, axes);
  const shaped = extra > 0 ? Reshape(summed, tensor.shape) : summed;
  if (!sameShape(shaped.shape, tensor.shape)) {
    throw new Error(`gradients: ${tensor.name} is ${showShape(tensor.shape)}, its gradient ${showShape(shaped.shape)}`);
  }
  return shaped;
}

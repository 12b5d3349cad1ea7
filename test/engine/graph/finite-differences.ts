import { Graph } from '../../../engine/graph/graph';
import { gradients } from '../../../engine/graph/gradients';
import { Exp } from '../../../engine/graph/ops/elementwise';
import type { Tensor } from '../../../engine/graph/tensor';
import { randomStream } from '../../../engine/model/random';
import type { Feeds, GraphRunner } from './run-graph';

/** A function of float32 inputs, built into a graph. */
export interface Differentiated {
  /** Shapes of the inputs; a name is bound to the number after it. */
  readonly shapes: readonly (readonly (number | readonly [string, number])[])[];
  readonly build: (graph: Graph, inputs: readonly [Tensor, Tensor, Tensor]) => Tensor;
  /** Inputs are drawn from here. @default -1..1 */
  readonly range?: readonly [number, number];
}

const STEP = 1e-2;

/** The feeds moved by +-STEP in one element. */
function shifted(feeds: Feeds, name: string, at: number): [Feeds, Feeds] {
  const values = feeds[name] as Feeds[string];
  const move = (by: number): Feeds => ({
    ...feeds,
    [name]: { ...values, data: values.data.map((value, i) => (i === at ? value + by : value)) },
  });
  return [move(STEP), move(-STEP)];
}

const total = (values: readonly number[] | undefined): number => (values ?? []).reduce((a, b) => a + b, 0);

/** Expects the gradient of every element of every input to be what central differences of the forward graph say. */
export async function expectSlopes(runner: GraphRunner, { shapes, build, range = [-1, 1] }: Differentiated): Promise<void> {
  const random = randomStream(7);
  const graph = new Graph();
  const inputs = shapes.map((shape, i) => graph.input(`x${i}`, 'float32', shape.map((dim) => (typeof dim === 'number' ? dim : dim[0]))));
  // Through exp each element of the result has a slope of its own, so that a permuted gradient shows.
  const loss = Exp(build(graph, inputs as unknown as readonly [Tensor, Tensor, Tensor]));
  const slopes = gradients(loss, inputs);
  graph.output('loss', loss);
  slopes.forEach((slope, i) => graph.output(`dx${i}`, slope));
  const feeds: Feeds = Object.fromEntries(
    shapes.map((shape, i) => {
      const sizes = shape.map((dim) => (typeof dim === 'number' ? dim : dim[1]));
      const data = Array.from({ length: sizes.reduce((a, b) => a * b, 1) }, () => range[0] + (range[1] - range[0]) * random());
      return [`x${i}`, { data, shape: sizes }];
    }),
  );
  const elements = Object.entries(feeds).flatMap(([name, { data }]) => data.map((_, at) => ({ name, at })));
  const [analytic, ...moved] = await runner.run(graph, [feeds, ...elements.flatMap(({ name, at }) => shifted(feeds, name, at))]);
  elements.forEach(({ name, at }, i) => {
    const numeric = (total(moved[2 * i]?.['loss']) - total(moved[2 * i + 1]?.['loss'])) / (2 * STEP);
    const slope = analytic?.[`d${name}`]?.[at] as number;
    expect(Math.abs(slope - numeric)).toBeLessThan(5e-3 * Math.max(1, Math.abs(numeric)));
  });
}

import { Graph } from '../../../engine/graph/graph';
import { graphMemory } from '../../../engine/graph/memory';
import { Add, Cast, Mul } from '../../../engine/graph/ops/elementwise';
import { Gather } from '../../../engine/graph/ops/gather';
import { MatMul } from '../../../engine/graph/ops/mat-mul';
import { Reshape, transposeLast } from '../../../engine/graph/ops/shape';
import { Softmax } from '../../../engine/graph/ops/softmax';
import type { DType, Tensor } from '../../../engine/graph/tensor';

const stored = (graph: Graph, name: string, dtype: DType, shape: readonly number[]): Tensor =>
  graph.weight(name, dtype, shape, { file: 'model.safetensors', byteOffset: 0, byteLength: 0 });

describe('graphMemory', () => {
  it('keeps a value from where it is computed to where it is last read', () => {
    const graph = new Graph();
    const x = graph.input('x', 'float32', ['T', 4]);
    const early = Softmax(x);
    // early 40, then another 40 and a third one: the first is kept for the end.
    graph.output('y', Add(Softmax(Softmax(early)), early));
    expect(graphMemory(graph, { T: 10 }).values).toBe(3 * 4 * 10 * 4);
  });

  it('lets an elementwise operator write where its input lay, unless somebody reads that later', () => {
    const dyingInput = new Graph();
    dyingInput.output('y', Mul(Softmax(dyingInput.input('x', 'float32', ['T', 4])), 2));
    expect(graphMemory(dyingInput, { T: 10 }).values).toBe(160);
    const readLater = new Graph();
    const once = Softmax(readLater.input('x', 'float32', ['T', 4]));
    readLater.output('y', Mul(once, 2));
    readLater.output('z', once);
    expect(graphMemory(readLater, { T: 10 }).values).toBe(320);
  });

  it('counts no memory for a shape, nor for what no output needs', () => {
    const graph = new Graph();
    const x = Softmax(graph.input('x', 'float32', ['T', 4]));
    Softmax(Softmax(x));
    graph.output('y', Reshape(Reshape(x, ['4*T']), ['T', 4]));
    expect(graphMemory(graph, { T: 10 }).values).toBe(160);
  });

  it('counts a packed copy for each product with a weight, none for the stored one', () => {
    const graph = new Graph();
    const weight = stored(graph, 'w', 'float32', [4, 6]);
    const x = graph.input('x', 'float32', ['T', 6]);
    const narrow = MatMul(x, transposeLast(weight));
    graph.output('y', MatMul(narrow, weight));
    expect(graphMemory(graph, { T: 1 })).toMatchObject({ weights: 2 * 4 * 6 * 4, mapped: 0, cast: 0 });
    // Without, the transposed copy is held, and the stored one read where it lies.
    expect(graphMemory(graph, { T: 1 }, { prepacking: false })).toMatchObject({ weights: 4 * 6 * 4, mapped: 4 * 6 * 4, cast: 0 });
  });

  it('counts a table that is looked up as mapped, and as held where it had to be cast', () => {
    const lookUp = (dtype: DType): ReturnType<typeof graphMemory> => {
      const graph = new Graph();
      graph.output('y', Gather(Cast(stored(graph, 'w', dtype, [8, 4]), 'float32'), graph.input('ids', 'int64', ['T'])));
      return graphMemory(graph, { T: 1 });
    };
    expect(lookUp('float32')).toMatchObject({ weights: 0, mapped: 128, cast: 0 });
    expect(lookUp('bfloat16')).toMatchObject({ weights: 128, mapped: 0, cast: 128 });
  });

  it('evaluates products and sums of dims, and names one without a size', () => {
    const graph = new Graph();
    graph.output('y', Softmax(graph.input('x', 'float32', ['2*B*T', 'P+T'])));
    expect(graphMemory(graph, { B: 3, T: 5, P: 7 }).values).toBe(2 * 3 * 5 * 12 * 4);
    expect(() => graphMemory(graph, { B: 3, P: 7 })).toThrow('dim T: no size given');
  });
});

import type { GradientRules } from '../gradient-rule';
import { type Tensor, dimAt, productOf } from '../tensor';
import { Cast, Equal, Where } from './elementwise';
import { emitOne } from './emit';
import { MatMul } from './mat-mul';
import { Reshape, transposeLast } from './shape';

/** Rows of `table` [R, C] named by int64 `indices` of any shape: [..., C]. */
export function Gather(table: Tensor, indices: Tensor): Tensor {
  return emitOne('Gather', [table, indices], { axis: 0 }, [...indices.shape, ...table.shape.slice(1)]);
}

/** For each row of `x` [..., V] the element that int64 `indices` [..., 1] names: [..., 1]. */
export function GatherElements(x: Tensor, indices: Tensor): Tensor {
  return emitOne('GatherElements', [x, indices], { axis: -1 }, indices.shape);
}

/** 0, 1, ..., n-1 as int64 [n], where n is the size of `dim`. */
export function Range(graph: Tensor['graph'], dim: number | string): Tensor {
  const limit = Reshape(graph.sizeOf(dim), []);
  return emitOne('Range', [graph.constant('int64', 0), limit, graph.constant('int64', 1)], {}, [dim]);
}

export const gatherGradients: GradientRules = {
  // dTable = OneHot(indices)' dY: a GEMM, since scattered sums do not have one order on every machine.
  Gather: ({ inputs: [table, indices] }, [dy]) => [
    () => {
      const rows = productOf(indices.shape);
      const hit = Equal(Reshape(indices, [rows, 1]), Range(table.graph, dimAt(table.shape, 0)));
      return MatMul(transposeLast(Cast(hit, 'float32')), Reshape(dy, [rows, dimAt(table.shape, 1)]));
    },
  ],
  // dx is dy where the index points, 0 elsewhere
  GatherElements: ({ inputs: [x, indices] }, [dy]) => [
    () => Where(Equal(Range(x.graph, dimAt(x.shape, -1)), indices), dy, 0),
  ],
};

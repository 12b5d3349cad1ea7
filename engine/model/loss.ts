import { Mul, Neg } from '../graph/ops/elementwise';
import { GatherElements } from '../graph/ops/gather';
import { ReduceSum } from '../graph/ops/reduce';
import { Reshape } from '../graph/ops/shape';
import { LogSoftmax } from '../graph/ops/softmax';
import { type Tensor, dimAt } from '../graph/tensor';

/** Natural log-probability of each label: logits [N, M, V], int64 labels [N, M] -> float32 [N, M]. */
export function labelLogProbabilities(logits: Tensor, labels: Tensor): Tensor {
  const [N, M] = [dimAt(labels.shape, 0), dimAt(labels.shape, 1)];
  return Reshape(GatherElements(LogSoftmax(logits), Reshape(labels, [N, M, 1])), [N, M]);
}

/** Weighted sum of the negative log-probabilities of each adapter: float32 [N, 1]. Weights 1/n over n loss tokens make it their mean. */
export function weightedLoss(logProbabilities: Tensor, weights: Tensor): Tensor {
  return Neg(ReduceSum(Mul(logProbabilities, weights), [-1]));
}

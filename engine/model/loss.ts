import { Exp, Mul, Neg, Sub } from '../graph/ops/elementwise';
import { withGradient } from '../graph/custom-gradient';
import { Gather, GatherElements } from '../graph/ops/gather';
import { MatMul } from '../graph/ops/mat-mul';
import { ReduceSum } from '../graph/ops/reduce';
import { Reshape } from '../graph/ops/shape';
import { LogSoftmax } from '../graph/ops/softmax';
import { type Tensor, dimAt } from '../graph/tensor';

/** Natural log-probability of each label: logits [N, M, V], int64 labels [N, M] -> float32 [N, M]. */
export function labelLogProbabilities(logits: Tensor, labels: Tensor): Tensor {
  const [N, M] = [dimAt(labels.shape, 0), dimAt(labels.shape, 1)];
  return Reshape(GatherElements(LogSoftmax(logits), Reshape(labels, [N, M, 1])), [N, M]);
}

/**
 * As `labelLogProbabilities` of logits = hidden W', for a head that is not trained. The gradient's one-hot part is a row of W, so it passes over
 * [N, M, V] once, and never holds a second array of that size.
 *
 * @param logits float32 [N, M, V]
 * @param hidden float32 [N, M, C]
 * @param head W, float32 [V, C]
 */
export function frozenHeadLogProbabilities(logits: Tensor, hidden: Tensor, head: Tensor, labels: Tensor): Tensor {
  const [N, M] = [dimAt(labels.shape, 0), dimAt(labels.shape, 1)];
  const logProbabilities = LogSoftmax(logits);
  const chosen = Reshape(GatherElements(logProbabilities, Reshape(labels, [N, M, 1])), [N, M]);
  // d log p(label) / d hidden = W[label] - sum over the vocabulary of p W
  return withGradient(chosen, [hidden], (dy) => [
    () => Mul(Reshape(dy, [N, M, 1]), Sub(Gather(head, labels), MatMul(Exp(logProbabilities), head))),
  ]);
}

/** Weighted sum of the negative log-probabilities of each adapter: float32 [N, 1]. Weights 1/n over n loss tokens make it their mean. */
export function weightedLoss(logProbabilities: Tensor, weights: Tensor): Tensor {
  return Neg(ReduceSum(Mul(logProbabilities, weights), [-1]));
}

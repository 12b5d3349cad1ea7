import { Div, Exp, Log, Max, Mul, Neg, Sub } from '../../graph/ops/elementwise';
import { withGradient } from '../../graph/custom-gradient';
import { Gather, GatherElements } from '../../graph/ops/gather';
import { MatMul } from '../../graph/ops/mat-mul';
import { ReduceMax, ReduceSum } from '../../graph/ops/reduce';
import { Reshape } from '../../graph/ops/shape';
import { LogSoftmax } from '../../graph/ops/softmax';
import { type Tensor, dimAt } from '../../graph/tensor';

/** Natural log-probability of each label: logits [N, M, V], int64 labels [N, M] -> float32 [N, M]. */
export function labelLogProbabilities(logits: Tensor, labels: Tensor): Tensor {
  const [N, M] = [dimAt(labels.shape, 0), dimAt(labels.shape, 1)];
  return Reshape(GatherElements(LogSoftmax(logits), Reshape(labels, [N, M, 1])), [N, M]);
}

/**
 * As `labelLogProbabilities` of logits = hidden W', for a head that is not trained. All of [N, M, V] is one array: the logits turn into
 * powers of e where they lie, and the gradient needs no more than those, its one-hot part being a row of W.
 *
 * @param logits float32 [N, M, V]
 * @param hidden float32 [N, M, C]
 * @param head W, float32 [V, C]
 */
export function frozenHeadLogProbabilities(logits: Tensor, hidden: Tensor, head: Tensor, labels: Tensor): Tensor {
  const [N, M] = [dimAt(labels.shape, 0), dimAt(labels.shape, 1)];
  const ofLabel = GatherElements(logits, Reshape(labels, [N, M, 1]));
  // log p = l - max - log z, where z = sum of e^(l - max). No label's logit is above the maximum: it is named here so that it is read
  // before the logits are overwritten.
  const highest = Max(ReduceMax(logits, [-1]), ofLabel);
  const powers = Exp(Sub(logits, highest));
  const z = ReduceSum(powers, [-1]);
  const chosen = Reshape(Sub(Sub(ofLabel, highest), Log(z)), [N, M]);
  // d log p / d hidden = W[label] - e^(l - max) W / z
  return withGradient(chosen, [hidden], (dy) => [
    () => Mul(Reshape(dy, [N, M, 1]), Sub(Gather(head, labels), Div(MatMul(powers, head), z))),
  ]);
}

/** Weighted sum of the negative log-probabilities of each adapter: float32 [N, 1]. Weights 1/n over n loss tokens make it their mean. */
export function weightedLoss(logProbabilities: Tensor, weights: Tensor): Tensor {
  return Neg(ReduceSum(Mul(logProbabilities, weights), [-1]));
}

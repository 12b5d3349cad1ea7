import type { PretrainTraining } from '../../../campaign/pretrain-spec';
import type { ModelConfig } from '../../files/model-config';
import { Graph } from '../../graph/graph';
import { gradients } from '../../graph/gradients';
import type { Tensor } from '../../graph/tensor';
import { adamW } from '../training/adamw';
import { documentMask, maskedAttention } from '../architecture/attention';
import { labelLogProbabilities, weightedLoss } from '../architecture/loss';
import { muon } from './muon';
import { type StackedParameter, stackedWeights } from './pretraining-parameters';
import { languageModelHead, transformer } from '../architecture/transformer';

/** Names of a parameter's optimiser state. */
export function stateNames({ name, optimiser }: StackedParameter): string[] {
  return optimiser === 'muon' ? [name, `${name}.momentum`] : [name, `${name}.firstMoment`, `${name}.secondMoment`];
}

/**
 * One optimiser step over every weight of a model.
 *
 * Inputs: `ids` int64 [1, B, T], `positions` and `segments` [B, T] (place in its document, number of its document), `labels` int64 and
 * `weights` float32 [1, B*T]; `matrixLearningRate`, `stepSize`, `secondMomentCorrection`, `decay` float32 [1, 1]; each parameter with its
 * state. Outputs: `loss` [1, 1] and the state after the step, `<name>.next`.
 */
export function pretrainingGraph(config: ModelConfig, parameters: readonly StackedParameter[], training: PretrainTraining): Graph {
  const graph = new Graph();
  const ids = graph.input('ids', 'int64', ['N', 'B', 'T']);
  const positions = graph.input('positions', 'int64', ['B*N', 'T']);
  const segments = graph.input('segments', 'int64', ['B*N', 'T']);
  const labels = graph.input('labels', 'int64', ['N', 'B*T']);
  const weights = graph.input('weights', 'float32', ['N', 'B*T']);
  const number = (name: string): Tensor => graph.input(name, 'float32', [1, 1]);
  const matrixLearningRate = number('matrixLearningRate');
  const step = { stepSize: number('stepSize'), secondMomentCorrection: number('secondMomentCorrection'), decay: number('decay') };
  const states = parameters.map((parameter) => stateNames(parameter).map((name) => graph.input(name, 'float32', parameter.shape)));
  const values = states.map(([value]) => value as Tensor);
  const lookUp = stackedWeights(parameters, values);
  const hidden = transformer({ config, weights: lookUp, ids, positions, positionLimit: 'T', attention: maskedAttention(config, documentMask(segments)) });
  const loss = weightedLoss(labelLogProbabilities(languageModelHead(config, lookUp, hidden), labels), weights);
  const slopes = gradients(loss, values);
  graph.output('loss', loss);
  parameters.forEach((parameter, i) => {
    const [value, first, second] = states[i] as [Tensor, Tensor, Tensor];
    const gradient = slopes[i] as Tensor;
    const next =
      parameter.optimiser === 'muon'
        ? Object.values(muon({ matrices: value, momentum: first }, gradient, matrixLearningRate, training.matrixMomentum))
        : Object.values(adamW({ parameters: value, firstMoment: first, secondMoment: second }, gradient, step, { beta2: training.beta2 }));
    stateNames(parameter).forEach((name, k) => graph.output(`${name}.next`, next[k] as Tensor));
  });
  return graph;
}

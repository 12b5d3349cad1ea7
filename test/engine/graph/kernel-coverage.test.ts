import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BASE_PRECISIONS, GENERATION_PRECISIONS, PROJECTIONS } from '../../../campaign/language-model';
import { type ModelDirectory, openModelDirectory } from '../../../engine/files/model-directory';
import type { Graph } from '../../../engine/graph/graph';
import { KERNEL_COVERAGE } from './kernel-coverage';
import { decodingGraph } from '../../../engine/model/generation/decoding-graph';
import { loraLayout } from '../../../engine/model/lora/lora';
import { pretrainingGraph } from '../../../engine/model/pretraining/pretraining-graph';
import { stackedParameters } from '../../../engine/model/pretraining/pretraining-parameters';
import { scoringGraph } from '../../../engine/model/scoring/scoring-graph';
import { gradientGraph, partialGradientGraph, trainingGraph, updateGraph } from '../../../engine/model/training/training-graph';
import { goldenModel, goldens } from '../../golden/golden-values';

/** With a weight that no graph reads, so large that weights are held once. */
function enlarged(model: ModelDirectory): ModelDirectory {
  const [entry] = model.tensors.values();
  return { ...model, tensors: new Map([...model.tensors, ['unread', { ...entry!, shape: [2 ** 27] }]]) };
}

/** Every graph that the engine builds, of every golden model: architectures, stored types and biases differ. */
function everyGraph(): Graph[] {
  return goldens.models.flatMap(({ model: name }) => {
    const model = openModelDirectory(goldenModel(name));
    const layout = loraLayout(model.config, { rank: 4, alpha: 8, targets: PROJECTIONS });
    const withAll = { gradientCheckpointing: true, dropout: 0.1 };
    const built = [
      trainingGraph(model, layout),
      trainingGraph(model, layout, withAll),
      ...BASE_PRECISIONS.map((basePrecision) => trainingGraph(model, layout, { basePrecision })),
      gradientGraph(model, layout),
      gradientGraph(enlarged(model), layout),
      partialGradientGraph(model, layout),
      scoringGraph(model, layout),
      scoringGraph(model, null),
      ...GENERATION_PRECISIONS.map((precision) => decodingGraph(model, layout, precision)),
    ].map(({ graph }) => graph);
    return [...built, updateGraph(layout)];
  });
}

function pretraining(): Graph {
  const { config } = openModelDirectory(goldenModel('tied-fp32'));
  const training = { documents: 1, rows: 2, length: 8, warmupSteps: 1, decayFraction: 0.1, learningRate: 1e-3, matrixLearningRate: 1e-2, matrixMomentum: 0.9, beta2: 0.95 };
  return pretrainingGraph(config, stackedParameters(config), training);
}

const emitted = new Set([...everyGraph(), pretraining()].flatMap(({ nodes }) => nodes.map(({ operator, inputs }) => `${operator} ${inputs[0]?.dtype}`)));

describe('the table of kernels on devices', () => {
  it('names every operator that a graph of ours emits, and no other', () => {
    expect([...emitted].sort()).toEqual(Object.keys(KERNEL_COVERAGE).sort());
  });

  it('is what docs/gpu.md shows', () => {
    const page = readFileSync(join(__dirname, '../../../../docs/gpu.md'), 'utf8');
    const rows = Object.entries(KERNEL_COVERAGE).map(([name, { cuda, webgpu }]) => `| \`${name}\` | ${cuda} | ${webgpu} |`);
    expect(rows.filter((row) => !page.includes(row))).toEqual([]);
  });
});

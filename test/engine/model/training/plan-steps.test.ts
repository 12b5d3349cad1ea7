import type { OptimiserSettings } from '../../../../campaign/language-model';
import { planSteps } from '../../../../engine/model/training/fine-tune';
import { randomStream } from '../../../../engine/model/random';

const settings = (changes: Partial<OptimiserSettings>): OptimiserSettings => ({
  trainEpochs: 2,
  learningRate: 1e-3,
  batch: 2,
  schedule: 'linear',
  warmupSteps: 0,
  shuffle: false,
  clipNorm: 1,
  weightDecay: 0,
  ...changes,
});
const rows = ['a', 'b', 'c', 'd', 'e'];

describe('planSteps', () => {
  test('never joins rows of two train epochs in a step', () => {
    expect(planSteps(rows, settings({}), randomStream(1))).toEqual([['a', 'b'], ['c', 'd'], ['e'], ['a', 'b'], ['c', 'd'], ['e']]);
  });

  test('shows every row once a train epoch, in an order that the seed gives', () => {
    const shuffled = planSteps(rows, settings({ shuffle: true }), randomStream(1));
    expect(shuffled.slice(0, 3).flat().sort()).toEqual(rows);
    expect(shuffled.slice(3).flat().sort()).toEqual(rows);
    expect(shuffled).toEqual(planSteps(rows, settings({ shuffle: true }), randomStream(1)));
    expect(shuffled).not.toEqual(planSteps(rows, settings({ shuffle: true }), randomStream(2)));
  });

  test('maxSteps cuts short, or goes round again', () => {
    expect(planSteps(rows, settings({ maxSteps: 2 }), randomStream(1))).toEqual([['a', 'b'], ['c', 'd']]);
    expect(planSteps(rows, settings({ maxSteps: 7 }), randomStream(1))).toHaveLength(7);
  });

  test('no rows, no steps', () => {
    expect(planSteps([], settings({}), randomStream(1))).toEqual([]);
    expect(planSteps([], settings({ maxSteps: 3 }), randomStream(1))).toEqual([]);
  });
});

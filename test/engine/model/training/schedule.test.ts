import { learningRateAt } from '../../../../engine/model/training/schedule';
import { adapterGoldens } from '../../../golden/golden-values';

describe('learningRateAt', () => {
  test.each([
    ['linear starts at the peak', { step: 0, steps: 4, schedule: 'linear', warmupSteps: 0 }, 1],
    ['linear is above 0 at the last step', { step: 3, steps: 4, schedule: 'linear', warmupSteps: 0 }, 0.25],
    ['cosine is half way in the middle', { step: 2, steps: 4, schedule: 'cosine', warmupSteps: 0 }, 0.5],
    ['constant stays', { step: 3, steps: 4, schedule: 'constant', warmupSteps: 0 }, 1],
    ['warm-up climbs', { step: 0, steps: 10, schedule: 'linear', warmupSteps: 4 }, 0.25],
    ['warm-up ends at the peak', { step: 3, steps: 10, schedule: 'cosine', warmupSteps: 4 }, 1],
    ['after warm-up the steps count from the first', { step: 4, steps: 10, schedule: 'linear', warmupSteps: 4 }, 0.6],
  ] as const)('%s', (_, { step, steps, schedule, warmupSteps }, expected) => {
    expect(learningRateAt(step, steps, { learningRate: 1, schedule, warmupSteps })).toBeCloseTo(expected, 12);
  });

  test.each(['linear', 'cosine', 'constant'] as const)('%s gives the rates of transformers', (schedule) => {
    const rates = adapterGoldens.learningRates[`${schedule}-0`];
    expect(rates).toHaveLength(10);
    rates?.forEach((rate, step) => expect(learningRateAt(step, 10, { learningRate: 1, schedule, warmupSteps: 0 })).toBeCloseTo(rate, 12));
  });

  test('warm-up reaches the peak a step before transformers does, whose first step has rate 0', () => {
    const rates = adapterGoldens.learningRates['constant-3'];
    const ours = Array.from({ length: 10 }, (_, step) => learningRateAt(step, 10, { learningRate: 1, schedule: 'constant', warmupSteps: 3 }));
    rates?.slice(1).forEach((rate, step) => expect(ours[step]).toBeCloseTo(rate, 12));
  });
});

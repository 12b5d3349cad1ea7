import { learningRateAt } from '../../../../engine/model/training/schedule';
import { adapterGoldens } from '../../../golden/golden-values';

describe('learningRateAt', () => {
  test.each([
    ['linear starts at the peak', { step: 0, steps: 4, schedule: 'linear', warmupSteps: 0 }, 1],
    ['linear is above 0 at the last step', { step: 3, steps: 4, schedule: 'linear', warmupSteps: 0 }, 0.25],
    ['cosine is half way in the middle', { step: 2, steps: 4, schedule: 'cosine', warmupSteps: 0 }, 0.5],
    ['constant stays', { step: 3, steps: 4, schedule: 'constant', warmupSteps: 0 }, 1],
    ['warm-up starts at 0', { step: 0, steps: 10, schedule: 'linear', warmupSteps: 4 }, 0],
    ['the peak comes after warm-up', { step: 4, steps: 10, schedule: 'cosine', warmupSteps: 4 }, 1],
    ['the schedule is over the steps that warm-up leaves', { step: 7, steps: 10, schedule: 'linear', warmupSteps: 4 }, 0.5],
  ] as const)('%s', (_, { step, steps, schedule, warmupSteps }, expected) => {
    expect(learningRateAt(step, steps, { learningRate: 1, schedule, warmupSteps })).toBeCloseTo(expected, 12);
  });

  test('gives the rates of transformers, whatever the warm-up, also where that is as long as the training or longer', () => {
    const schedules = Object.keys(adapterGoldens.learningRates);
    expect(schedules).toHaveLength(15);
    for (const name of schedules) {
      const [schedule, warmupSteps] = name.split('-') as ['linear' | 'cosine' | 'constant', string];
      const ours = Array.from({ length: 10 }, (_, step) => learningRateAt(step, 10, { learningRate: 1, schedule, warmupSteps: Number(warmupSteps) }));
      expect([name, ours]).toEqual([name, adapterGoldens.learningRates[name]?.map((rate) => expect.closeTo(rate, 12) as number)]);
    }
  });
});

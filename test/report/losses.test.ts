import { curve, lossParts } from '../../report/collect-losses';
import type { StepLog } from '../../campaign/language-model';

function log(losses: readonly number[], lossTokens = 10): StepLog[] {
  return losses.map((loss, step) => ({ step, loss, learningRate: 1e-3, lossTokens }));
}

describe('lossParts', () => {
  it('takes the mean of a part over its loss tokens, then the quantiles over fine-tunes', () => {
    const uneven: StepLog[] = [
      { step: 0, loss: 4, learningRate: 1, lossTokens: 1 },
      { step: 1, loss: 1, learningRate: 1, lossTokens: 3 },
      ...log([0.5, 0.5]).map((line) => ({ ...line, step: line.step + 2 })),
    ];
    // First part: (4 * 1 + 1 * 3) / 4 = 1.75; the others' first parts are 3 and 5.
    const parts = lossParts([uneven, log([3, 3, 1, 1]), log([5, 2])], 2);
    expect(parts.map(({ part, n, median }) => [part, n, median])).toEqual([
      [1, 3, 3],
      [2, 3, 1],
    ]);
    expect(parts[0]!.low).toBeCloseTo(1.75 + 0.2 * 1.25, 12);
    expect(parts[0]!.high).toBeCloseTo(3 + 0.8 * 2, 12);
  });

  it('leaves a part out of which no fine-tune has a step', () => {
    expect(lossParts([log([2, 1])], 4).map(({ part, median }) => [part, median])).toEqual([
      [1, 2],
      [3, 1],
    ]);
  });
});

describe('curve', () => {
  it('keeps every step of a short log', () => {
    expect(curve(log([3, 2, 1]))).toEqual([
      { step: 0, loss: 3 },
      { step: 1, loss: 2 },
      { step: 2, loss: 1 },
    ]);
    expect(curve([])).toEqual([]);
  });

  it('takes means over equal runs of a long one', () => {
    const points = curve(log(Array.from({ length: 1000 }, (_, i) => i)));
    expect(points).toHaveLength(200);
    expect(points[0]).toEqual({ step: 2, loss: 2 });
    expect(points.at(-1)).toEqual({ step: 997, loss: 997 });
  });
});

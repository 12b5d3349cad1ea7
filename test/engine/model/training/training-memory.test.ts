import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { FineTuneJob, FineTuneRequest } from '../../../../campaign/language-model';
import { goldenModel } from '../../../golden/golden-values';
import { computeFixture } from '../../compute-fixture';

jest.setTimeout(120_000);

const { compute, directory } = computeFixture();

/** Two jobs of unlike steps, of which the second has the largest: three rows of 40 tokens on one line or more. */
function request(memoryLimitBytes: number, accumulation = 1): FineTuneRequest {
  const optimiser = { trainEpochs: 1, learningRate: 1e-3, batch: 3, accumulation, schedule: 'linear', warmupSteps: 0, shuffle: false, clipNorm: 1, weightDecay: 0 } as const;
  const job = (name: string, texts: readonly string[]) => ({ rows: texts.map((text) => ({ text })), optimiser, seed: 1, outDirectory: join(directory, name) });
  const long = Array.from({ length: 60 }, () => 'a').join(' ');
  return { modelDirectory: goldenModel('tied-fp32'), lora: { rank: 2, alpha: 4, targets: 'all-linear' }, memoryLimitBytes, jobs: [job('one', ['a']), job('two', [long, long, long])] };
}

describe('the memory of a training', () => {
  it('that is more than allowed refuses it in one line, and writes nothing', async () => {
    await expect(compute.fineTune(request(1e6))).rejects.toMatchObject({
      name: 'BadInputError',
      detail: {
        where: 'memory',
        expected: 'a training that fits into the 0.0 GiB that are available',
        got: expect.stringMatching(/^about 0\.\d GiB for its largest step, 2 times \d x \d+ tokens \(a smaller batch, accumulation and gradient checkpointing need less\)$/) as string,
      },
    });
    expect(existsSync(join(directory, 'two'))).toBe(false);
  });

  it('that is allowed is not looked at again', async () => {
    const { outcomes } = await compute.fineTune(request(8e9));
    expect(outcomes.map(({ status }) => status)).toEqual(['done', 'done']);
  });

  it('has room for the largest rank of its jobs', async () => {
    const [one, two] = request(2 ** 28).jobs as [FineTuneJob, FineTuneJob];
    const { outcomes } = await compute.fineTune({ ...request(2 ** 28), jobs: [one, two] });
    expect(outcomes.map(({ status }) => status)).toEqual(['done', 'done']);
    await expect(compute.fineTune({ ...request(2 ** 28), jobs: [{ ...one, lora: { rank: 8192 } }, two] })).rejects.toThrow('memory: expected a training that fits into the 0.3 GiB');
  });

  it('is that of the largest part of a step', async () => {
    const tokensOf = async (accumulation: number): Promise<number> => {
      const error: unknown = await compute.fineTune(request(1e6, accumulation)).catch((reason: unknown) => reason);
      const [, lines, tokens] = /2 times (\d+) x (\d+) tokens/.exec(String(error)) ?? [];
      return Number(lines) * Number(tokens);
    };
    expect(await tokensOf(1)).toBe(3 * (await tokensOf(3)));
  });
});

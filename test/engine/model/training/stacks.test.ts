import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { goldenModel } from '../../../golden/golden-values';
import type { TrainedStacks } from './stacks-runner';

jest.setTimeout(60_000);

/** Both optimisers, from one start over the same steps. */
function trainBoth(accumulation: number): TrainedStacks {
  const output = execFileSync(process.execPath, [join(__dirname, 'stacks-runner.js'), goldenModel('tied-fp32'), String(accumulation)], { encoding: 'utf8' });
  return JSON.parse(output) as TrainedStacks;
}

describe.each([1, 2])('steps in %d parts', (accumulation) => {
  const { host, device, hostRestarted, deviceRestarted } = trainBoth(accumulation);

  it('have the same losses and gradient norms, whether the host or a device holds the optimiser', () => {
    expect(host.results).toHaveLength(3);
    host.results.forEach(({ losses, gradientNorms }, step) => {
      losses.forEach((loss, n) => expect(loss).toBeCloseTo(device.results[step]?.losses[n] as number, 5));
      gradientNorms.forEach((norm, n) => expect(norm).toBeCloseTo(device.results[step]?.gradientNorms[n] as number, 5));
    });
  });

  it('go on from what another stack had come to, to the bit', () => {
    expect(hostRestarted).toEqual(host);
    expect(deviceRestarted).toEqual(device);
  });

  it('lead to the same parameters', () => {
    host.parameters.forEach((vector, n) => {
      const other = device.parameters[n] as readonly number[];
      expect(other).toHaveLength(vector.length);
      expect(Math.max(...vector.map((value, i) => Math.abs(value - (other[i] as number))))).toBeLessThan(2e-4);
      expect(Math.max(...vector.map(Math.abs))).toBeGreaterThan(0.01);
    });
  });
});

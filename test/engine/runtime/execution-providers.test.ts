import { BadInputError } from '../../../campaign/errors';
import { EXECUTION_PROVIDERS } from '../../../campaign/language-model';
import { failureClassOf } from '../../../campaign/failures';
import { decodeError, encodeError } from '../../../engine/runtime/protocol';
import { checkProviders, keepsResultsOnDevice, providerFailure, providersOf, whyMissing } from '../../../engine/runtime/execution-providers';
import { startComputeProcess } from '../../../engine/runtime/compute-client';
import { goldenModel } from '../../golden/golden-values';

jest.setTimeout(60_000);

const missing = EXECUTION_PROVIDERS.filter((provider) => whyMissing(provider) !== null);

describe('execution providers', () => {
  it('are the CPU where nothing is said', () => {
    expect(providersOf()).toEqual(['cpu']);
    expect(providersOf({ executionProviders: [] })).toEqual(['cpu']);
    expect(providersOf({ executionProviders: ['webgpu', 'cpu'] })).toEqual(['webgpu', 'cpu']);
  });

  it('always include the CPU', () => {
    expect(whyMissing('cpu')).toBeNull();
    expect(() => checkProviders(['cpu'])).not.toThrow();
  });

  it('keep results on the device where the first of them can', () => {
    expect([['cpu'], ['cuda'], ['webgpu', 'cpu'], ['cpu', 'webgpu']].map((list) => keepsResultsOnDevice(list as ['cpu']))).toEqual([false, false, true, false]);
  });

  it('that find no device are a want of this machine, across the process boundary too, and other failures are themselves', () => {
    const noAdapter = new Error('x.cc:136 status was false. Failed to get a WebGPU adapter: No supported adapters\n');
    expect(providerFailure(['webgpu'], noAdapter)).toMatchObject({ detail: { got: 'webgpu: Failed to get a WebGPU adapter: No supported adapters' } });
    expect(failureClassOf(decodeError(encodeError(providerFailure(['webgpu'], noAdapter))).name)).toBe('machine-unable');
    expect(providerFailure(['cpu'], noAdapter)).toBe(noAdapter);
    const other = new Error('out of memory');
    expect(providerFailure(['webgpu'], other)).toBe(other);
  });

  const describeMissing = missing.length === 0 ? it.skip : it;
  describeMissing('that this build lacks are named with what to do', async () => {
    const model = startComputeProcess({ threads: 1 });
    const [provider] = missing;
    const request = { modelDirectory: goldenModel('tied-fp32'), groups: [{ adapterDirectory: null, rows: [{ text: 'a b' }] }] };
    const call = model.score({ ...request, compute: { executionProviders: [provider ?? 'cpu'] } });
    await expect(call).rejects.toThrow(BadInputError);
    await expect(call).rejects.toThrow(`got ${provider}: `);
    await model.close();
  });
});

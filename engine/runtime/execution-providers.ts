import { listSupportedBackends } from 'onnxruntime-node';
import { MachineUnableError } from '../../campaign/errors';
import type { ComputeSettings, ExecutionProvider } from '../../campaign/language-model';
import { whyNoCuda } from './cuda-libraries';

const WHERE = 'executionProviders';

/** The providers of a request, in the order in which they may take an operator. */
export function providersOf(settings: ComputeSettings = {}): readonly ExecutionProvider[] {
  const { executionProviders = ['cpu'] } = settings;
  return executionProviders.length === 0 ? ['cpu'] : executionProviders;
}

/** Whether what a session computes can stay in the device's memory from run to run: onnxruntime-node can bind WebGPU's memory only. */
export function keepsResultsOnDevice(providers: readonly ExecutionProvider[]): boolean {
  return providers[0] === 'webgpu';
}

/** Why this build of onnxruntime-node cannot use a provider, and what to do about it; null where it can try. */
export function whyMissing(provider: ExecutionProvider): string | null {
  const known = listSupportedBackends().find(({ name }) => name === provider);
  if (known === undefined) return `no ${provider} provider for ${process.platform} on ${process.arch}`;
  return provider === 'cuda' ? whyNoCuda() : null;
}

/** @throws MachineUnableError naming the provider that this build lacks */
export function checkProviders(providers: readonly ExecutionProvider[]): void {
  for (const provider of providers) {
    const missing = whyMissing(provider);
    if (missing !== null) throw new MachineUnableError({ where: WHERE, expected: 'a provider that onnxruntime-node has here', got: `${provider}: ${missing}` });
  }
}

/** What a provider that is there, but does not start, said: no device, a driver too old. Other failures are given back as they are. */
export function providerFailure(providers: readonly ExecutionProvider[], error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error);
  const provider = providers.find((name) => name !== 'cpu');
  const noDevice = /WebGPU adapter|WebGPU device|CUDA failure|CUDA error|providers_cuda|cudaSetDevice|no CUDA-capable device/i.test(message);
  if (provider === undefined || !noDevice) return error;
  const got = `${provider}: ${message.split('\n')[0]?.replace(/^.*was false\. /, '') ?? ''}`;
  return new MachineUnableError({ where: WHERE, expected: 'a device that the provider can use', got }, { cause: error });
}

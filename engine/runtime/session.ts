import { InferenceSession } from 'onnxruntime-node';
import type { ExecutionProvider } from '../../campaign/language-model';
import { encodeModel } from '../graph/encode';
import type { Graph } from '../graph/graph';
import { checkProviders, keepsResultsOnDevice, providerFailure } from './execution-providers';
import { signOfLife } from './sign-of-life';
import { fitForWebGpu } from './webgpu-graph';

export interface SessionOptions {
  /** Folder in which the graph's external weights lie. */
  readonly folder?: string;
  /** Threads of one operator. @default ONNX Runtime's choice: one a physical core */
  readonly threads?: number;
  /** Writes a trace of every operator's time to a file that starts with this. */
  readonly profilePrefix?: string;
  /** Weights are laid out anew for the products that they are in: faster, and a second copy of them. @default true */
  readonly prepacking?: boolean;
  /** The first that has an operator takes it, the CPU what is left. @default ['cpu'] */
  readonly executionProviders?: readonly ExecutionProvider[];
  /** Results that stay in the device's memory, to be fed again, where the first provider can do that. @default none */
  readonly keptOnDevice?: readonly string[];
}

/**
 * Opens a graph for running.
 *
 * @throws MachineUnableError if a provider is missing from this build, or finds no device
 */
export async function openSession(graph: Graph, options: SessionOptions = {}): Promise<InferenceSession> {
  const { folder, threads, profilePrefix, prepacking = true, executionProviders = ['cpu'], keptOnDevice = [] } = options;
  checkProviders(executionProviders);
  if (executionProviders.includes('webgpu')) fitForWebGpu(graph);
  const kept = keepsResultsOnDevice(executionProviders) ? keptOnDevice : [];
  const session = await InferenceSession.create(encodeModel(graph), {
    executionProviders: [...executionProviders],
    ...(kept.length === 0 ? {} : { preferredOutputLocation: Object.fromEntries(kept.map((name) => [name, 'gpu-buffer' as const])) }),
    // A device is asked for knowing that some operators run on the CPU (docs/gpu.md): no warning about it.
    ...(executionProviders.some((provider) => provider !== 'cpu') ? { logSeverityLevel: 3 as const } : {}),
    graphOptimizationLevel: 'all',
    // A plan of a run's memory, made for each batch shape, is allocated beside what the arena already holds: up to twice the memory, no time.
    enableMemPattern: false,
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
    extra: {
      session: {
        // Between two operators of a run threads wait awake, which saves a sixth of a small model's step; between runs they sleep, since
        // to spin then takes the machine from everything else: workers, servers, a second model.
        intra_op: { allow_spinning: '1' },
        force_spinning_stop: '1',
        ...(prepacking ? {} : { disable_prepacking: '1' }),
        ...(folder === undefined ? {} : { model_external_initializers_file_folder_path: folder }),
      },
    },
  }).catch((error: unknown) => {
    throw providerFailure(executionProviders, error);
  });
  signOfLife();
  return tellingOfRuns(session);
}

/** The session, each of whose runs is a sign of life. */
function tellingOfRuns(session: InferenceSession): InferenceSession {
  const run = session.run.bind(session) as (...given: unknown[]) => ReturnType<InferenceSession['run']>;
  const telling = async (...given: unknown[]): ReturnType<InferenceSession['run']> => {
    const results = await run(...given);
    signOfLife();
    return results;
  };
  return Object.assign(session, { run: telling });
}

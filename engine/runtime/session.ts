import { InferenceSession } from 'onnxruntime-node';
import { encodeModel } from '../graph/encode';
import type { Graph } from '../graph/graph';

export interface SessionOptions {
  /** Folder in which the graph's external weights lie. */
  readonly folder?: string;
  /** Threads of one operator. @default ONNX Runtime's choice: one a physical core */
  readonly threads?: number;
  /** Writes a trace of every operator's time to a file that starts with this. */
  readonly profilePrefix?: string;
}

/** Opens a graph for running on the CPU. */
export async function openSession(graph: Graph, options: SessionOptions = {}): Promise<InferenceSession> {
  const { folder, threads, profilePrefix } = options;
  return InferenceSession.create(encodeModel(graph), {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    ...(threads === undefined ? {} : { intraOpNumThreads: threads }),
    ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
    extra: {
      session: {
        // Between two operators of a run threads wait awake, which saves a sixth of a small model's step; between runs they sleep, since
        // to spin then takes the machine from everything else: workers, servers, a second model.
        intra_op: { allow_spinning: '1' },
        force_spinning_stop: '1',
        ...(folder === undefined ? {} : { model_external_initializers_file_folder_path: folder }),
      },
    },
  });
}

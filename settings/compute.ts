import { environment, variable } from './environment';

/** How a compute process is set up by the one that starts it. */
export interface ComputeProcessSettings {
  /** Threads of one operator. @default ONNX Runtime's choice: one a physical core */
  readonly threads?: number;
  /** Writes ONNX Runtime traces to files that start with this. */
  readonly profilePrefix?: string;
}

/** Reads `SEAL_COMPUTE_THREADS` and `SEAL_COMPUTE_PROFILE`. */
export function computeProcessSettings(env: NodeJS.ProcessEnv = environment()): ComputeProcessSettings {
  const threads = variable(env, 'SEAL_COMPUTE_THREADS');
  const profilePrefix = variable(env, 'SEAL_COMPUTE_PROFILE');
  return { ...(threads === undefined ? {} : { threads: Number(threads) }), ...(profilePrefix === undefined ? {} : { profilePrefix }) };
}

/** The environment of a compute process: this process's, and what `computeProcessSettings` reads there. */
export function computeProcessEnvironment({ threads, profilePrefix }: ComputeProcessSettings): NodeJS.ProcessEnv {
  return {
    ...environment(),
    // Of fp32 products CUDA's libraries would else keep 10 bits of 23.
    NVIDIA_TF32_OVERRIDE: '0',
    ...(threads === undefined ? {} : { SEAL_COMPUTE_THREADS: String(threads) }),
    ...(profilePrefix === undefined ? {} : { SEAL_COMPUTE_PROFILE: profilePrefix }),
  };
}

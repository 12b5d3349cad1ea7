import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Adds NVIDIA's libraries to onnxruntime-node: they are too large for the package itself. */
const ADD_CUDA = 'node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12';

/** What to do where NVIDIA's libraries are not beside onnxruntime-node; null where they are. Loads nothing native. */
export function whyNoCuda(): string | null {
  const package_ = dirname(require.resolve('onnxruntime-node/package.json'));
  const library = join(package_, 'bin/napi-v6', process.platform, process.arch, 'libonnxruntime_providers_cuda.so');
  return existsSync(library) ? null : `no CUDA libraries; add them with: ${ADD_CUDA}`;
}

// Loaded into a worker before everything else (`--require`): its language model may have no more memory than SEAL_TEST_MEMORY_LIMIT says, as
// `test/chaos/memory-limit.ts` writes it. The limit holds before the worker asks the kernel for the process's count of kills.
import childProcess from 'node:child_process';
import { limitMemory, type MemoryLimit } from './memory-limit';

const limit = JSON.parse(process.env['SEAL_TEST_MEMORY_LIMIT'] ?? 'null') as MemoryLimit | null;
if (limit === null) throw new Error('SEAL_TEST_MEMORY_LIMIT is not set');

const { fork } = childProcess;
Object.assign(childProcess, {
  fork(...args: Parameters<typeof fork>) {
    const child = fork(...args);
    const [, purposes] = args;
    const isModel = Array.isArray(purposes) && purposes.includes('language-model');
    if (isModel && child.pid !== undefined) limitMemory(child.pid, limit);
    return child;
  },
});

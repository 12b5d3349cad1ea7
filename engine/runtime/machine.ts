import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { INSTRUCTION_SETS, type Machine } from '../../campaign/machine';

const PROCESSOR = '/proc/cpuinfo';

/** The machine that computes here, for the lineage of what it computes. */
export function computingMachine(threads?: number): Machine {
  // Read, not loaded: a native library is for the compute process.
  const { version } = JSON.parse(readFileSync(require.resolve('onnxruntime-node/package.json'), 'utf8')) as { version: string };
  return { instructionSet: instructionSets(), cores: availableParallelism(), threads: threads ?? null, onnxruntime: version };
}

function instructionSets(): string {
  const flags = existsSync(PROCESSOR) ? /^flags\s*:(.*)$/m.exec(readFileSync(PROCESSOR, 'utf8'))?.[1]?.trim().split(' ') : undefined;
  const known = INSTRUCTION_SETS.filter((name) => flags?.includes(name));
  return known.length === 0 ? process.arch : known.join(' ');
}

import { existsSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { BadInputError } from '../../campaign/errors';
import { INSTRUCTION_SETS } from '../../campaign/machine';
import type { DoctorCheck } from './doctor';
import { packageRoot } from './package-root';
import { probeCommand } from './probe-command';
import { nearestExisting, refuseUnwritable } from './writable-directory';

const LOWEST_NODE: readonly [number, number] = [20, 19];
/** A nano campaign's worker, compute process and servers together. */
const LOWEST_MEMORY_GIB = 3;
const LOWEST_DISK_GIB = 2;
const GIB = 2 ** 30;

const gib = (bytes: number): string => `${(bytes / GIB).toFixed(1)} GiB`;

export function checkNode(): DoctorCheck {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const ok = major > LOWEST_NODE[0] || (major === LOWEST_NODE[0] && minor >= LOWEST_NODE[1]);
  const advice = ok ? null : `install Node ${LOWEST_NODE.join('.')} or later`;
  return { name: 'node', ok, detail: process.version, advice };
}

export function checkDependencies(): DoctorCheck {
  const ok = existsSync(join(packageRoot(), 'node_modules', '.package-lock.json'));
  const advice = ok ? null : 'run "npm ci" with ONNXRUNTIME_NODE_INSTALL=skip';
  return { name: 'dependencies', ok, detail: ok ? 'installed' : 'not installed', advice };
}

/** Loads it in a process of its own, as the engine does: a native library that fails may take its process with it. */
export async function checkOnnxruntime(): Promise<DoctorCheck> {
  const script = `process.chdir(${JSON.stringify(packageRoot())});
    const ort = require(require.resolve('onnxruntime-node', { paths: ['.'] }));
    process.stdout.write(ort.env.versions.node + ' with ' + ort.listSupportedBackends().map((b) => b.name).join(', '));`;
  const detail = await probeCommand(process.execPath, ['-e', script], 60_000);
  if (detail !== null) return { name: 'onnxruntime', ok: true, detail, advice: null };
  const advice = 'run "npm ci" with ONNXRUNTIME_NODE_INSTALL=skip; on Linux it needs glibc 2.28 or later (not musl)';
  return { name: 'onnxruntime', ok: false, detail: 'does not load', advice };
}

export function checkProcessor(): DoctorCheck {
  const model = cpus()[0]?.model.trim() ?? process.arch;
  const sets = instructionSets();
  const detail = `${availableParallelism()} cores, ${model}${sets === '' ? '' : `, ${sets}`}`;
  return { name: 'processor', ok: true, detail, advice: null };
}

function instructionSets(): string {
  if (!existsSync('/proc/cpuinfo')) return '';
  const flags = new Set(/^flags\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.trim().split(' '));
  return INSTRUCTION_SETS.filter((name) => flags.has(name)).join(' ');
}

export function checkMemory(): DoctorCheck {
  const ok = totalmem() >= LOWEST_MEMORY_GIB * GIB;
  const advice = ok ? null : `the nano model's campaigns need ${LOWEST_MEMORY_GIB} GiB`;
  return { name: 'memory', ok, detail: `${gib(totalmem())}, ${gib(freemem())} free`, advice };
}

/** The disk of the home, and that of the artifacts where it is another. */
export async function checkDisk(home: string): Promise<DoctorCheck> {
  const name = 'disk';
  const other = 'name another folder in SEAL_HOME';
  const objects = join(home, 'objects');
  for (const directory of [home, ...(existsSync(objects) ? [objects] : [])]) {
    try {
      refuseUnwritable(directory === home ? `SEAL_HOME ${home}` : directory, directory);
    } catch (error) {
      if (!(error instanceof BadInputError)) throw error;
      return { name, ok: false, detail: error.message, advice: directory === home ? other : `make ${directory} writable again for this user, or ${other}; campaigns wait meanwhile` };
    }
    const free = await freeBytes(directory);
    if (free < LOWEST_DISK_GIB * GIB) return { name, ok: false, detail: `${gib(free)} free for ${directory}`, advice: `free ${LOWEST_DISK_GIB} GiB ("seal gc" may help), or ${other}` };
  }
  return { name, ok: true, detail: `${gib(await freeBytes(home))} free for ${home}`, advice: null };
}

async function freeBytes(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(nearestExisting(directory));
  return bavail * bsize;
}

export async function checkCuda(): Promise<DoctorCheck> {
  const gpus = await probeCommand('nvidia-smi', ['--query-gpu=name,memory.total', '--format=csv,noheader']);
  const library = 'node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_cuda.so';
  const provider = existsSync(join(packageRoot(), library));
  if (gpus === null) return { name: 'gpu', ok: true, detail: 'none found; the CPU is used', advice: null };
  const detail = `${gpus.replaceAll('\n', '; ')}${provider ? ', CUDA provider installed' : ''}`;
  const install = 'node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install=cuda12';
  return { name: 'gpu', ok: true, detail, advice: provider ? null : `to use it, add the CUDA provider: ${install}` };
}

export async function checkPython(): Promise<DoctorCheck> {
  const version = await probeCommand('python3', ['--version']);
  const detail = version ?? 'none; only "npm run bench" would use it, to install the peer it compares with';
  return { name: 'python (optional)', ok: true, detail, advice: null };
}

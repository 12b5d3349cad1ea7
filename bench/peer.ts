import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';

/** Settings of the fine-tuning that both sides do. */
export interface PeerSettings {
  readonly model: string;
  readonly threads: number;
  readonly seed: number;
  readonly rank: number;
  readonly alpha: number;
  readonly learningRate: number;
}

export interface StepTiming {
  readonly secondsPerStep: number;
  readonly peakBytes: number;
}

/** PyTorch + PEFT in a Python process that waits for work between measurements. */
export class Peer {
  private readonly lines: AsyncIterator<string>;
  private readonly reader: Interface;

  private constructor(
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly errors: string[],
  ) {
    this.reader = createInterface({ input: child.stdout });
    this.lines = this.reader[Symbol.asyncIterator]();
  }

  /** Starts the process and waits until the model is loaded. */
  static async start(python: string, script: string, settings: PeerSettings): Promise<{ peer: Peer; versions: string }> {
    const child = spawn(python, [script, JSON.stringify(settings)], { env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } });
    const errors: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
    const peer = new Peer(child, errors);
    const hello = (await peer.answer()) as { torch: string };
    return { peer, versions: `PyTorch ${hello.torch}` };
  }

  async time(batch: number, length: number, steps: number): Promise<StepTiming> {
    this.child.stdin.write(`${JSON.stringify({ batch, length, steps })}\n`);
    const { seconds, peakBytes } = (await this.answer()) as { seconds: number; peakBytes: number };
    return { secondsPerStep: seconds / steps, peakBytes };
  }

  async close(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.stdin.end();
    await gone;
  }

  private async answer(): Promise<unknown> {
    const line = await this.lines.next();
    if (line.done === true) throw new Error(`the peer process ended: ${this.errors.join('').trim().split('\n').at(-1) ?? 'no message'}`);
    return JSON.parse(line.value);
  }
}

/** Where the peer can run, or why it cannot. */
export type PeerPython = { readonly python: string } | { readonly missing: string };

/**
 * Finds or makes the peer's Python: `$SEAL_BENCH_PYTHON` as it is, else an environment of the benchmark's own with the pinned packages
 * (`.venv-bench`; made once, then reused while the pins stay the same).
 *
 * @param say is told what takes long
 */
export function findPeerPython(repository: string, say: (line: string) => void, env: NodeJS.ProcessEnv = process.env): PeerPython {
  const runs = (command: string, args: readonly string[]): boolean => spawnSync(command, args, { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
  const given = env['SEAL_BENCH_PYTHON'];
  if (given !== undefined) {
    return runs(given, ['-c', 'import torch, transformers, peft']) ? { python: given } : { missing: `SEAL_BENCH_PYTHON=${given} cannot import torch, transformers and peft` };
  }
  const environment = join(repository, '.venv-bench');
  const python = join(environment, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const pins = readFileSync(join(repository, 'bench/requirements.txt'), 'utf8');
  const installed = join(environment, 'installed-requirements.txt');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === pins) return { python };
  const system = ['python3', 'python'].find((name) => runs(name, ['-c', 'import sys; sys.exit(sys.version_info < (3, 10))']));
  if (system === undefined) return { missing: 'no Python 3.10 or later on PATH' };
  say(`installing the peer (${pins.trim().split('\n').join(', ')}) into .venv-bench: once, several minutes`);
  if (!runs(system, ['-m', 'venv', environment])) return { missing: `${system} -m venv failed (is the venv module installed?)` };
  if (!runs(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', join(repository, 'bench/requirements.txt')])) {
    return { missing: 'pip could not install the pinned packages (its messages stand above)' };
  }
  writeFileSync(installed, pins);
  return { python };
}

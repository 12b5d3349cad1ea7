import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { environment, variable } from '../settings/environment';

/** How the peer is set up, as bench/peer.py reads it. */
export interface PeerSettings {
  readonly model: string;
  readonly threads: number;
  readonly seed: number;
  readonly rank: number;
  readonly alpha: number;
  readonly learningRate: number;
  readonly precision: 'float32' | 'bfloat16';
  /** `torch.compile` in its default mode. */
  readonly compile: boolean;
  /** With a LoRA adapter on all linear layers. */
  readonly adapted: boolean;
}

/** What every answer of the peer says. */
export interface PeerAnswer {
  readonly seconds: number;
  readonly peakBytes: number;
}

/** PyTorch, transformers and PEFT in a Python process that waits for work between measurements. */
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

  /** Starts the process and waits until the model is loaded. @throws Error with the process's last words if it cannot */
  static async start(python: string, script: string, settings: PeerSettings): Promise<Peer> {
    const child = spawn(python, [script, JSON.stringify(settings)], { env: { ...environment(), PYTHONDONTWRITEBYTECODE: '1', TOKENIZERS_PARALLELISM: 'false' } });
    // As the compute process: on a busy machine neither side goes first.
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    const errors: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
    const peer = new Peer(child, errors);
    await peer.answer();
    return peer;
  }

  /** Has the peer do one piece of work: `work` is a method of bench/peer.py's Peer, `request` its arguments. */
  async run<Answer extends PeerAnswer>(work: string, request: Readonly<Record<string, unknown>>): Promise<Answer> {
    this.child.stdin.write(`${JSON.stringify({ do: work, ...request })}\n`);
    return (await this.answer()) as Answer;
  }

  async close(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
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
export function findPeerPython(repository: string, say: (line: string) => void, env: NodeJS.ProcessEnv = environment()): PeerPython {
  const runs = (command: string, args: readonly string[]): boolean => spawnSync(command, args, { env, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
  const given = variable(env, 'SEAL_BENCH_PYTHON');
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

/** Versions of what the peer is made of, for the heading of a table. */
export function peerVersions(python: string): string {
  const script = 'import torch, transformers, peft; print(f"PyTorch {torch.__version__}, transformers {transformers.__version__}, PEFT {peft.__version__}")';
  return spawnSync(python, ['-c', script], { encoding: 'utf8' }).stdout.trim();
}

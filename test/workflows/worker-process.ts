import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** A real worker in a process of its own, as `seal up` runs it, to be killed. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;

  /**
   * @param env TEMPORAL_ADDRESS, SEAL_HOME and what else it needs beyond this process's environment
   * @param args of the worker
   * @param directory that it runs in. @default that of this process
   */
  constructor(env: Readonly<Record<string, string>>, logFile: string, args: readonly string[] = [], directory?: string) {
    const script = join(__dirname, '..', '..', 'workers', 'main.js');
    this.#child = spawn(process.execPath, ['--enable-source-maps', script, ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
      ...(directory === undefined ? {} : { cwd: directory }),
    });
    this.#child.stderr?.on('data', (data: Buffer) => appendFileSync(logFile, data));
    this.#ended = new Promise((resolve) => this.#child.once('exit', (code, signal) => resolve(signal ?? `exit ${code}`)));
  }

  /** As Temporal and records of work name it. */
  get identity(): string {
    return `${this.#child.pid}@${hostname()}`;
  }

  /** Pids of its processes of this purpose, from the kernel's own list of children. */
  computeProcesses(purpose: 'language-model' | 'tokenizer' = 'language-model'): number[] {
    const { pid } = this.#child;
    if (pid === undefined) return [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
    return children.filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').split('\0').includes(purpose));
  }

  /** @returns how it ended */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<string> {
    this.#child.kill(signal);
    return this.#ended;
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    return false;
  }
}

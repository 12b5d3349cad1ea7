import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { answers, OBJECT_SERVER } from '../infra/stack/object-server';
import { isRunning, OwnProcesses, startTimeOf } from '../infra/stack/own-process';
import { SERVER_SUPERVISOR } from '../infra/stack/server-state';
import { startStack, stopStack } from '../infra/stack/stack';
import { embedded, frontendAnswers, TEMPORAL_SERVER } from '../infra/stack/temporal-server';
import { WORKER, WORKER_CHILD } from '../infra/stack/worker-state';
import { environment } from '../settings/environment';
import { readStackFile } from '../settings/stack-file';
import { childrenOf } from './process-table';
import type { RunningTarget } from './schedule';

export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
}

const PROBE_MS = 1_000;
const COMPUTE_SCRIPT = 'compute-main.js language-model';

/** An embedded stack in a directory of its own, whose processes are known by id and start time. */
export class DisturbedStack {
  readonly #processes: OwnProcesses;
  /** Neither the servers nor the credentials of whoever runs this. */
  readonly #env = { ...environment(), TEMPORAL_ADDRESS: '', S3_ENDPOINT: '' };

  constructor(readonly home: string) {
    mkdirSync(home, { recursive: true });
    this.#processes = new OwnProcesses(home);
  }

  /**
   * Starts the stack for the first time, in a process of its own.
   * @param disturb is given that process, and what it records of the processes that it starts, while it works
   * @returns whether it came up without help
   */
  async startFirst(disturb: (starter: ProcessIdentity) => Promise<void>): Promise<boolean> {
    const starter = spawn(process.execPath, [join(__dirname, 'start-stack.js'), this.home], { env: this.#env, stdio: 'ignore' });
    const ended = new Promise<boolean>((resolve) => {
      starter.once('error', () => resolve(false));
      starter.once('exit', (code) => resolve(code === 0));
    });
    if (starter.pid !== undefined) await disturb({ pid: starter.pid, startTime: startTimeOf(starter.pid) ?? 'ended' });
    return ended;
  }

  /** As `seal up`: starts what does not run, at the addresses that it had. */
  async up(): Promise<void> {
    const before = readStackFile(this.home);
    const port = (address: string | undefined): number => Number(address?.split(':').at(-1) ?? 0);
    const ports = { temporal: port(before?.temporal.address), ui: null, s3: port(before?.s3.endpoint) };
    await startStack({ home: this.home, env: this.#env, ports });
  }

  async down(): Promise<void> {
    await stopStack({ home: this.home });
  }

  /** A process that was recorded under this name and runs. */
  recorded(name: string): ProcessIdentity | null {
    return this.#processes.running(name);
  }

  /** The process to kill; null while there is none. */
  find(target: RunningTarget): ProcessIdentity | null {
    switch (target) {
      case 'worker':
        return this.recorded(WORKER_CHILD);
      case 'supervisor':
        return this.recorded(WORKER);
      case 'server-supervisor':
        return this.recorded(SERVER_SUPERVISOR);
      case 'temporal':
        return this.recorded(TEMPORAL_SERVER);
      case 's3':
        return this.recorded(OBJECT_SERVER);
      case 'compute': {
        const worker = this.recorded(WORKER_CHILD);
        const pid = worker === null ? undefined : childrenOf(worker.pid).find(({ command }) => command.includes(COMPUTE_SCRIPT))?.pid;
        const startTime = pid === undefined ? null : startTimeOf(pid);
        return pid === undefined || startTime === null ? null : { pid, startTime };
      }
    }
  }

  /** Whether what was killed has been replaced by another process, which serves. */
  async isBack(target: RunningTarget, killed: ProcessIdentity): Promise<boolean> {
    const now = this.find(target);
    if (now === null || now.pid === killed.pid || isRunning(killed)) return false;
    const stack = readStackFile(this.home);
    if (stack === null) return false;
    if (target === 'temporal') return frontendAnswers(embedded(stack.temporal.address), PROBE_MS);
    if (target === 's3') return answers(stack.s3.endpoint, PROBE_MS);
    return true;
  }
}

/** @returns false if that very process does not run any more */
export function killed({ pid, startTime }: ProcessIdentity): boolean {
  if (!isRunning({ pid, startTime })) return false;
  process.kill(pid, 'SIGKILL');
  return true;
}

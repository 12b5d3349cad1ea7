import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, realpathSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { requireUnbuilt } from './package-root';
import { privately } from './private-files';
import { readStateFile, writeStateFile } from './state-file';

interface ProcessIdentity {
  startTimeOf: (pid: number) => string | null;
  isRunning: (identity: { pid: number; startTime: string }) => boolean;
}
export const { startTimeOf, isRunning } = requireUnbuilt('infra/bootstrap/process-identity.cjs') as ProcessIdentity;

const ownProcessSchema = z.object({
  pid: z.number().int().positive(),
  startTime: z.string(),
  /** What it was started with, to see whether it still fits. */
  purpose: z.string(),
  /** Where `$SEAL_HOME` lay then. Absent in files of before. */
  home: z.string().optional(),
});
/** As it is recorded. */
export type OwnProcess = z.infer<typeof ownProcessSchema>;

export interface LaunchOptions {
  /** Name of the pid file and of the log. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly purpose: string;
}

/** Processes of one `$SEAL_HOME` that outlive the command that started them, known by id and start time. */
export class OwnProcesses {
  readonly #home: string;

  constructor(home: string) {
    this.#home = home;
  }

  logFile(name: string): string {
    return join(this.#home, 'logs', `${name}.log`);
  }

  pidFile(name: string): string {
    return join(this.#home, 'run', `${name}.json`);
  }

  /** Starts a process of its own session, its output appended to its log, and records it. */
  launch(options: LaunchOptions): LaunchedProcess {
    return privately(() => this.#launch(options));
  }

  #launch({ name, command, args, env, purpose }: LaunchOptions): LaunchedProcess {
    const log = this.logFile(name);
    mkdirSync(dirname(log), { recursive: true });
    const output = openSync(log, 'a');
    const logOffset = statSync(log).size;
    try {
      const child = spawn(command, args, { detached: true, stdio: ['ignore', output, output], env, cwd: this.#home });
      const failure = new Promise<Error>((resolve) => child.once('error', resolve));
      if (child.pid !== undefined) {
        this.record(name, { pid: child.pid, startTime: startTimeOf(child.pid) ?? 'ended', purpose });
      }
      child.unref();
      return new LaunchedProcess(name, child, failure, () => readFileSync(log, 'utf8').slice(logOffset));
    } finally {
      closeSync(output);
    }
  }

  record(name: string, process: Omit<OwnProcess, 'home'>): void {
    writeStateFile(this.pidFile(name), { ...process, home: realpathSync(this.#home) });
  }

  /** The process as recorded, if that very process still runs, and for this home: a copied one has records of the other's processes. */
  running(name: string): OwnProcess | null {
    const recorded = recordIn(this.pidFile(name));
    if (recorded === null || !isRunning(recorded)) return null;
    const elsewhere = this.startedElsewhere(recorded);
    const isOfOther = elsewhere !== null && recordIn(new OwnProcesses(elsewhere).pidFile(name))?.pid === recorded.pid;
    return isOfOther ? null : recorded;
  }

  /** Where this home lay when the process was started, if it has been moved since: its paths are no longer right. */
  startedElsewhere({ home }: OwnProcess): string | null {
    return home === undefined || home === realpathSync(this.#home) ? null : home;
  }

  /** As `running`, of a process whose paths are still right. */
  runningHere(name: string): OwnProcess | null {
    const running = this.running(name);
    return running === null || this.startedElsewhere(running) !== null ? null : running;
  }

  /**
   * Asks the process to end, waits, and ends it if it does not.
   * @returns whether one was running
   */
  async stop(name: string, graceMs = 20_000): Promise<boolean> {
    const target = this.running(name);
    if (target !== null) await endProcess(target, graceMs);
    rmSync(this.pidFile(name), { force: true });
    return target !== null;
  }
}

function recordIn(pidFile: string): OwnProcess | null {
  return readStateFile(pidFile, ownProcessSchema);
}

/** A process just started, while its starter still watches it. */
class LaunchedProcess {
  constructor(
    readonly name: string,
    private readonly child: ChildProcess,
    private readonly spawnFailure: Promise<Error>,
    /** What it has written since it was started. */
    readonly output: () => string,
  ) {}

  /**
   * Waits until `ready` resolves true.
   * @throws Error with the end of its output if it ends first or takes longer than `timeoutMs`
   */
  async waitUntil(ready: () => Promise<boolean>, timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    let failure: Error | undefined;
    void this.spawnFailure.then((error) => (failure = error));
    while (!(await ready())) {
      if (failure !== undefined) throw new Error(`${this.name} could not be started: ${failure.message}`, { cause: failure });
      if (this.child.exitCode !== null || this.child.signalCode !== null) {
        throw new Error(`${this.name} ended as it started: ${this.#lastLines()}`);
      }
      if (Date.now() > deadline) {
        throw new Error(`${this.name} was not ready after ${timeoutMs / 1000} s: ${this.#lastLines()}`);
      }
      await sleep(50);
    }
  }

  #lastLines(): string {
    return this.output().trim().split('\n').slice(-5).join(' | ') || 'it printed nothing';
  }
}

/** SIGTERM, then SIGKILL after the grace; only while the id still belongs to that process. */
export async function endProcess(target: { pid: number; startTime: string }, graceMs: number): Promise<void> {
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (isRunning(target)) process.kill(target.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  signal('SIGTERM');
  const deadline = Date.now() + graceMs;
  while (isRunning(target) && Date.now() < deadline) await sleep(25);
  signal('SIGKILL');
  while (isRunning(target)) await sleep(25);
}

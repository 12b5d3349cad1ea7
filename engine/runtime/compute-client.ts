import { type ChildProcess, fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ComputeCancelledError, ComputeStalledError, OutOfMemoryError } from '../../campaign/errors';
import type { ComputeOptions, LanguageModel } from '../../campaign/language-model';
import { computeProcessEnvironment, type ComputeProcessSettings } from '../../settings/compute';
import type { PretrainRequest, PretrainResult } from '../model/pretraining/pretrain';
import { type OomCounter, offerToOomKiller, oomCounter } from './oom-kills';
import { failureOfEnd } from './process-end';
import { type ComputeMethod, type ComputeMethods, type ComputeReply, decodeError } from './protocol';
import { StallWatch } from './stall-watch';

export interface ComputeProcessOptions extends ComputeProcessSettings {
  /** Stands in the process's command line, so that a list of processes tells a worker's two apart. @default language-model */
  readonly purpose?: 'language-model' | 'tokenizer';
  /** Told each line that the process writes to standard error, and of each answer that came too late. @default standard error of this process */
  readonly onErrorLine?: (line: string) => void;
  /** The kernel's count of processes that it ended for want of memory, as it concerns this one. @default oomCounter */
  readonly oomCounter?: (pid: number) => OomCounter;
}

/** The language model and what only the command line asks of it. */
export interface ComputeProcess extends LanguageModel {
  /** Trains a model from scratch; see `engine/model/pretraining/pretrain.ts`. */
  pretrain(request: PretrainRequest, options?: ComputeOptions): Promise<PretrainResult>;
  /** Starts the process if none runs, and waits for its answer. */
  ping(options?: ComputeOptions): Promise<void>;
  /** Of the running child; undefined while none runs. */
  readonly pid: number | undefined;
}

interface Job {
  /** Of this client: what its replies carry. */
  readonly id: number;
  readonly method: ComputeMethod;
  readonly request: unknown;
  readonly options: ComputeOptions;
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
  /** While it is served. */
  watch?: StallWatch;
  /** Before it was served. */
  oomKills?: number | undefined;
}

/** Enough for the lines in which V8 says why it ends, before the stack that it prints. */
const LAST_WORDS_CHARACTERS = 16_384;

function passOn(line: string): void {
  process.stderr.write(`${line}\n`);
}

/**
 * A language model in a process of its own, so that neither its blocking calls nor its crashes reach the caller. The process starts
 * with the first call, serves one call at a time in order, and is replaced after it died; only the call it was serving is lost.
 */
export function startComputeProcess(options: ComputeProcessOptions = {}): ComputeProcess {
  return new ComputeClient(options);
}

class ComputeClient implements ComputeProcess {
  private readonly waiting: Job[] = [];
  private current: Job | undefined;
  private child: ChildProcess | undefined;
  private countOomKills: OomCounter = () => undefined;
  private lastWords = '';
  private calls = 0;
  private closed = false;

  constructor(private readonly processOptions: ComputeProcessOptions) {}

  get pid(): number | undefined {
    return this.child?.pid;
  }

  readonly describe = this.method('describe');
  readonly fineTune = this.method('fineTune');
  readonly generate = this.method('generate');
  readonly score = this.method('score');
  readonly countTokens = this.method('countTokens');
  readonly pretrain = this.method('pretrain');
  private readonly mergeAdapters = this.method('merge');
  private readonly answerPing = this.method('ping');

  async merge(request: ComputeMethods['merge'][0], options?: ComputeOptions): Promise<void> {
    await this.mergeAdapters(request, options);
  }

  async ping(options?: ComputeOptions): Promise<void> {
    await this.answerPing(null, options);
  }

  async close(): Promise<void> {
    this.closed = true;
    const { child } = this;
    const gone = child && new Promise((resolve) => child.once('close', resolve));
    for (const job of this.waiting.splice(0)) job.reject(new ComputeCancelledError('the compute process was closed'));
    if (this.processOptions.profilePrefix === undefined) child?.kill('SIGKILL');
    else child?.disconnect();
    await gone;
  }

  private method<Method extends ComputeMethod>(method: Method) {
    return (request: ComputeMethods[Method][0], options: ComputeOptions = {}): Promise<ComputeMethods[Method][1]> =>
      new Promise((resolve, reject) => {
        if (this.closed) return reject(new ComputeCancelledError('the compute process is closed'));
        const job: Job = { id: (this.calls += 1), method, request, options, resolve, reject };
        options.signal?.addEventListener('abort', () => this.cancel(job), { once: true });
        if (options.signal?.aborted) return reject(new ComputeCancelledError(`${method}: cancelled`));
        this.waiting.push(job);
        this.serveNext();
      });
  }

  private serveNext(): void {
    if (this.current !== undefined) return;
    const job = this.waiting.shift();
    if (job === undefined) return;
    this.current = job;
    // One that ended while it had nothing to do may not have been noticed yet.
    if (this.child?.connected !== true) this.child = this.startChild();
    this.lastWords = '';
    job.oomKills = this.countOomKills();
    const { stallMs } = job.options;
    if (stallMs !== undefined) job.watch = new StallWatch(stallMs, () => this.stalled(job, stallMs));
    this.child.send({ id: job.id, method: job.method, request: job.request });
  }

  private startChild(): ChildProcess {
    const { purpose = 'language-model', oomCounter: counterOf = oomCounter } = this.processOptions;
    const child = fork(join(__dirname, 'compute-main.js'), [purpose], {
      serialization: 'advanced',
      env: computeProcessEnvironment(this.processOptions),
      // Standard output belongs to the caller's own results.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    if (child.stderr !== null) {
      createInterface({ input: child.stderr }).on('line', (line) => {
        this.log(line);
        if (this.child === child) this.lastWords = `${this.lastWords}\n${line}`.slice(-LAST_WORDS_CHARACTERS);
      });
    }
    // Heartbeats, workflow tasks and servers answer in time while every core computes.
    if (child.pid !== undefined) {
      setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
      offerToOomKiller(child.pid);
      this.countOomKills = counterOf(child.pid);
    }
    child.on('message', (reply: ComputeReply) => this.take(child, reply));
    child.on('error', (error) => {
      // One that runs and cannot be spoken to ends, and says then how.
      if (child.pid === undefined) this.died(child, error.message);
      else child.kill('SIGKILL');
    });
    // All that it said has been read by then.
    child.on('close', (code, signal) => this.died(child, signal === null ? `exit code ${code}` : `signal ${signal}`));
    return child;
  }

  private take(child: ChildProcess, reply: ComputeReply): void {
    const job = this.current;
    if (job === undefined || child !== this.child || reply.id !== job.id) {
      // What a cancelled call still said of its progress is no news.
      if (reply.kind === 'result' || reply.kind === 'error') {
        this.log(`the compute process (pid ${child.pid}) answered call ${reply.id}, which nobody waits for: dropped`);
      }
      return;
    }
    job.watch?.heard();
    job.options.onPeakMemory?.(reply.peakMemoryBytes);
    if (reply.kind === 'alive') return;
    if (reply.kind === 'progress') {
      job.options.onProgress?.(reply.progress);
      return;
    }
    this.current = undefined;
    job.watch?.end();
    if (reply.kind === 'result') job.resolve(reply.result as never);
    else {
      const error = decodeError(reply.error);
      // What it holds of the attempt that did not fit would be missing in the next.
      if (error instanceof OutOfMemoryError) this.letGo();
      job.reject(error);
    }
    this.serveNext();
  }

  private log(line: string): void {
    const { onErrorLine = passOn } = this.processOptions;
    onErrorLine(line);
  }

  /** Ends the process; the next call has another. */
  private letGo(): void {
    const { child } = this;
    this.child = undefined;
    child?.kill('SIGKILL');
  }

  private died(child: ChildProcess, how: string): void {
    if (this.child !== child) return;
    const after = this.countOomKills();
    this.child = undefined;
    const job = this.current;
    this.current = undefined;
    job?.watch?.end();
    const risen = after === undefined || job?.oomKills === undefined ? undefined : after - job.oomKills;
    job?.reject(failureOfEnd(job.method, { how, lastWords: this.lastWords, oomKills: risen }));
    if (!this.closed) this.serveNext();
  }

  private stalled(job: Job, stallMs: number): void {
    this.stop(job, new ComputeStalledError(`${job.method}: no sign of life for ${stallMs / 1000} s; the compute process was killed`));
  }

  private cancel(job: Job): void {
    this.stop(job, new ComputeCancelledError(`${job.method}: cancelled`));
  }

  /** A waiting call is dropped; a running one can only be stopped with its process. */
  private stop(job: Job, why: Error): void {
    const at = this.waiting.indexOf(job);
    if (at >= 0) this.waiting.splice(at, 1);
    else if (this.current === job) {
      this.current = undefined;
      job.watch?.end();
      this.letGo();
    } else return;
    job.reject(why);
    this.serveNext();
  }
}

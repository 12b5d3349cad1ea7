import { join } from 'node:path';
import { type ComputeProcess, startComputeProcess } from '../engine/runtime/compute-client';
import { type ModelShape, writeRandomModel } from './random-model';
import { Peer, type PeerPython, type PeerSettings } from './peer';
import { processMemory } from './process-memory';
import type { Row } from './table';

/** Settings of every LoRA step, on both sides. */
export const LORA = { rank: 32, alpha: 64, learningRate: 1e-3 } as const;

const MEGABYTE = 1e6;

export interface BenchOptions {
  readonly seed: number;
  readonly threads: number;
  /** One short run a row. */
  readonly quick: boolean;
  /** Of the package. */
  readonly repository: string;
  /** For models and adapters; removed at the end. */
  readonly directory: string;
  /** Finds the peer's Python; asked by the first row that has a peer. */
  readonly findPython: () => PeerPython;
  readonly print: (row: Row) => void;
  readonly say: (line: string) => void;
}

/** What the rows of one group share: models on disk, processes that end with the group. */
export class BenchRun {
  private readonly models = new Map<string, string>();
  private readonly open: { close(): Promise<void> }[] = [];

  private python: PeerPython | undefined;

  constructor(readonly options: BenchOptions) {}

  /** How often a row is measured. */
  repeats(usual: number): number {
    return this.options.quick ? 1 : usual;
  }

  /** The directory of a random model, written when first asked for. */
  model(shape: ModelShape): string {
    const known = this.models.get(shape.name);
    if (known !== undefined) return known;
    const directory = join(this.options.directory, `random-${shape.name}`);
    this.options.say(`writing a random model of ${shape.name} parameters`);
    writeRandomModel(directory, shape, this.options.seed);
    this.models.set(shape.name, directory);
    return directory;
  }

  /** A compute process of its own, so that its memory is that of one row. */
  ours(): ComputeProcess {
    const process = startComputeProcess({ threads: this.options.threads });
    this.open.push(process);
    return process;
  }

  /** The most that a compute process held, in MB, and how much of it is mapped files. */
  ourMemory(process: ComputeProcess): { readonly megabytes: number; readonly note: string } {
    if (process.pid === undefined) throw new Error('the compute process is gone');
    const { peak, mapped } = processMemory(process.pid);
    const ofFiles = mapped === null ? '' : `${Math.round(mapped / MEGABYTE)} MB of it mapped files`;
    return { megabytes: peak / MEGABYTE, note: ofFiles };
  }

  /** @throws Error saying why there is no peer */
  async peer(model: string, settings: Partial<PeerSettings> = {}): Promise<Peer> {
    const { findPython, threads, seed, repository } = this.options;
    const python = (this.python ??= findPython());
    if ('missing' in python) throw new Error(`no peer: ${python.missing}`);
    const peer = await Peer.start(python.python, join(repository, 'bench/peer.py'), {
      model, threads, seed, ...LORA, precision: 'float32', compile: false, adapted: true, ...settings,
    });
    this.open.push(peer);
    return peer;
  }

  /** Ends every process that was started. */
  async close(): Promise<void> {
    await Promise.all(this.open.splice(0).map((process) => process.close()));
  }

  /** Does one row's work; what fails becomes a row that says why. */
  async row(about: Pick<Row, 'group' | 'work' | 'peer' | 'unit'>, work: () => Promise<Pick<Row, 'ours' | 'theirs' | 'note'>>): Promise<void> {
    try {
      this.options.print({ ...about, ...(await work()) });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      this.options.print({ ...about, ours: null, theirs: null, note: `not measured: ${message.split('\n')[0]}` });
    }
  }
}

export function megabytes(bytes: number): number {
  return bytes / MEGABYTE;
}

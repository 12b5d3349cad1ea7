import { basename, resolve } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import type { ModelConfig } from '../files/model-config';
import { type ModelDirectory, openModelDirectory } from '../files/model-directory';
import { type Tokenizer, loadTokenizer } from '../files/tokenizer';
import { openSession } from '../runtime/session';
import { decodingGraph } from './decoding-graph';
import type { LoraLayout } from './lora';
import { scoringGraph } from './scoring-graph';
import { type BuiltGraph, trainingGraph } from './training-graph';

export interface LoadOptions {
  readonly threads?: number;
  readonly profilePrefix?: string;
}

/** A model directory with its tokenizer and the sessions opened on it so far: one a kind of work and adapter shape. */
export class LoadedModel {
  readonly tokenizer: Tokenizer;
  private readonly sessions = new Map<string, Promise<InferenceSession>>();

  private constructor(
    private readonly model: ModelDirectory,
    private readonly options: LoadOptions,
  ) {
    this.tokenizer = loadTokenizer(model.directory);
  }

  /** @throws BadInputError if the directory is not a model that this engine runs */
  static open(directory: string, options: LoadOptions = {}): LoadedModel {
    return new LoadedModel(openModelDirectory(resolve(directory)), options);
  }

  get config(): ModelConfig {
    return this.model.config;
  }

  get directory(): ModelDirectory {
    return this.model;
  }

  /** What adapters call their base: the directory's own name, without the machine's path. */
  get name(): string {
    return basename(this.model.directory);
  }

  trainingSession(layout: LoraLayout): Promise<InferenceSession> {
    return this.session('training', layout, () => trainingGraph(this.model, layout));
  }

  scoringSession(layout: LoraLayout | null): Promise<InferenceSession> {
    return this.session('scoring', layout, () => scoringGraph(this.model, layout));
  }

  decodingSession(layout: LoraLayout | null): Promise<InferenceSession> {
    return this.session('decoding', layout, () => decodingGraph(this.model, layout));
  }

  /** Gives the memory of every session back. */
  async close(): Promise<void> {
    const opened = await Promise.all(this.sessions.values());
    this.sessions.clear();
    await Promise.all(opened.map((session) => session.release()));
  }

  private session(kind: string, layout: LoraLayout | null, build: () => BuiltGraph): Promise<InferenceSession> {
    const shape = layout === null ? 'base' : `${layout.settings.rank} ${layout.groups.flatMap(({ modules }) => modules.map(({ key }) => key)).join(' ')}`;
    const key = `${kind} ${shape}`;
    const opened = this.sessions.get(key) ?? this.open(kind, build());
    this.sessions.set(key, opened);
    return opened;
  }

  private open(kind: string, { graph, folder }: BuiltGraph): Promise<InferenceSession> {
    const { threads, profilePrefix } = this.options;
    return openSession(graph, {
      folder,
      ...(threads === undefined ? {} : { threads }),
      ...(profilePrefix === undefined ? {} : { profilePrefix: `${profilePrefix}-${kind}` }),
    });
  }
}

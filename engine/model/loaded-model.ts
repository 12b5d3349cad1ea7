import { basename, resolve } from 'node:path';
import type { InferenceSession } from 'onnxruntime-node';
import type { ComputeSettings } from '../../campaign/language-model';
import type { ModelConfig } from '../files/model-config';
import { type ModelDirectory, openModelDirectory } from '../files/model-directory';
import { type Tokenizer, loadModelTokenizer } from '../files/tokenizer';
import { providersOf } from '../runtime/execution-providers';
import { openSession } from '../runtime/session';
import { decodingGraph } from './generation/decoding-graph';
import type { BuiltGraph } from './built-graph';
import { type ReadBack, openReadBack } from './device-memory';
import { type LoraLayout, layoutKey } from './lora/lora';
import { scoringGraph } from './scoring/scoring-graph';
import { type TrainingOptions, STATE_NAMES, gradientGraph, partialGradientGraph, trainingGraph, updateGraph } from './training/training-graph';

export interface LoadOptions {
  readonly threads?: number;
  readonly profilePrefix?: string;
}

/** A model directory with its tokenizer and the sessions opened on it so far: one a kind of work and adapter shape. */
export class LoadedModel {
  readonly tokenizer: Tokenizer;
  private readonly sessions = new Map<string, Promise<InferenceSession>>();
  private readonly readBacks = new Map<string, Promise<ReadBack | undefined>>();

  private constructor(
    private readonly model: ModelDirectory,
    private readonly options: LoadOptions,
  ) {
    this.tokenizer = loadModelTokenizer(model.directory, model.config);
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

  /** @throws BadInputError if this build lacks a provider of `compute`, or the provider finds no device */
  trainingSession(layout: LoraLayout, options: TrainingOptions, compute: ComputeSettings = {}): Promise<InferenceSession> {
    return this.session(`training${optionsKey(options)}`, layout, compute, () => trainingGraph(this.model, layout, options));
  }

  /** As `trainingSession`: the gradient alone, for an optimiser on the host. */
  gradientSession(layout: LoraLayout, options: TrainingOptions, compute: ComputeSettings = {}): Promise<InferenceSession> {
    return this.session(`gradient${optionsKey(options)}`, layout, compute, () => gradientGraph(this.model, layout, options));
  }

  /** As `trainingSession`: its first part. */
  partialGradientSession(layout: LoraLayout, options: TrainingOptions, compute: ComputeSettings = {}): Promise<InferenceSession> {
    return this.session(`partial-gradient${optionsKey(options)}`, layout, compute, () => partialGradientGraph(this.model, layout, options));
  }

  /** As `trainingSession`: what is left of it. */
  updateSession(layout: LoraLayout, compute: ComputeSettings = {}): Promise<InferenceSession> {
    return this.session('update', layout, compute, () => ({ graph: updateGraph(layout), folder: this.model.directory }));
  }

  /** As `trainingSession`. */
  scoringSession(layout: LoraLayout | null, compute: ComputeSettings = {}): Promise<InferenceSession> {
    return this.session('scoring', layout, compute, () => scoringGraph(this.model, layout));
  }

  /** As `trainingSession`. */
  decodingSession(layout: LoraLayout | null, compute: ComputeSettings = {}): Promise<InferenceSession> {
    return this.session('decoding', layout, compute, () => decodingGraph(this.model, layout, compute.generationPrecision));
  }

  /** The way back from the device of `compute`, where its results stay there. */
  readBack(compute: ComputeSettings = {}): Promise<ReadBack | undefined> {
    const key = providersOf(compute).join(' ');
    const opened = this.readBacks.get(key) ?? openReadBack(compute);
    this.readBacks.set(key, opened);
    return opened;
  }

  /** Gives the memory of every session back. */
  async close(): Promise<void> {
    const opened = await Promise.all(this.sessions.values());
    this.sessions.clear();
    await Promise.all(opened.map((session) => session.release()));
  }

  private session(kind: string, layout: LoraLayout | null, compute: ComputeSettings, build: () => BuiltGraph): Promise<InferenceSession> {
    const shape = layout === null ? 'base' : layoutKey(layout);
    const { basePrecision = 'float32', generationPrecision = 'float32' } = compute;
    const key = [kind, shape, providersOf(compute).join(' '), basePrecision, generationPrecision].join('; ');
    const opened = this.sessions.get(key) ?? this.open(kind, compute, build());
    this.sessions.set(key, opened);
    // Memory may be there, or a device, when it is asked for again.
    opened.catch(() => this.sessions.delete(key));
    return opened;
  }

  private open(kind: string, compute: ComputeSettings, { graph, folder, prepacking = true }: BuiltGraph): Promise<InferenceSession> {
    const { threads, profilePrefix } = this.options;
    return openSession(graph, {
      folder,
      prepacking,
      executionProviders: providersOf(compute),
      keptOnDevice: kind.startsWith('training') || kind === 'update' ? STATE_NAMES.map((name) => `${name}.next`) : [],
      ...(threads === undefined ? {} : { threads }),
      ...(profilePrefix === undefined ? {} : { profilePrefix: `${profilePrefix}-${kind}` }),
    });
  }
}

function optionsKey({ gradientCheckpointing = false, dropout = 0 }: TrainingOptions): string {
  return `${gradientCheckpointing ? '-checkpointed' : ''}${dropout > 0 ? `-dropout-${dropout}` : ''}`;
}

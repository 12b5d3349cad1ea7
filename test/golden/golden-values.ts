import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Projection, Schedule, ScoredRow, TrainingRow } from '../../campaign/language-model';

/** Compiled tests run from `dist/`; data files stay in the source tree. */
const REPOSITORY = join(__dirname, __filename.endsWith('.ts') ? '../..' : '../../..');

/** `test/golden`, where the models and adapters lie. */
export const GOLDEN = join(REPOSITORY, 'test/golden');

export const goldenModel = (name: string): string => join(GOLDEN, 'models', name);
export const goldenAdapter = (name: string): string => join(GOLDEN, 'adapters', name);

/** Reference data that is not part of the repository: `$SEAL_SHARED_DATA`, else beside the checkout. */
export const SHARED_DATA = process.env['SEAL_SHARED_DATA'] ?? join(REPOSITORY, '../shared/data');

export interface GoldenGreedyRow {
  readonly prompt: string;
  readonly tokenIds: readonly number[];
  readonly text: string;
  readonly finish: 'eos' | 'length';
}

export interface GoldenAnswers {
  readonly scores: readonly ScoredRow[];
  readonly greedy: readonly GoldenGreedyRow[];
}

export interface GoldenModel {
  readonly model: string;
  readonly adapter: string;
  readonly eosTokenIds: readonly number[];
  readonly rows: readonly TrainingRow[];
  readonly maxNewTokens: number;
  readonly tokenization: readonly { readonly text: string; readonly prompt: number[]; readonly completion: number[]; readonly decoded: string }[];
  readonly base: GoldenAnswers;
  readonly adapted: GoldenAnswers;
}

export interface GoldenTraining {
  readonly name: string;
  readonly model: string;
  readonly initialAdapter: string;
  readonly finalAdapter: string;
  readonly lora: { readonly rank: number; readonly alpha: number; readonly targets: readonly Projection[] };
  readonly rows: readonly TrainingRow[];
  readonly settings: {
    readonly trainEpochs: number;
    readonly batch: number;
    readonly learningRate: number;
    readonly schedule: Schedule;
    readonly clipNorm: number;
    readonly weightDecay: number;
  };
  readonly log: readonly { readonly step: number; readonly loss: number; readonly learningRate: number; readonly lossTokens: number }[];
  readonly finalScores: readonly ScoredRow[];
}

/** A conversation as transformers' `apply_chat_template` renders it, with today being `date`. */
export interface GoldenChat {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
  readonly addGenerationPrompt: boolean;
  readonly date: string;
  readonly text: string;
  readonly ids: readonly number[];
}

/** Rotary frequencies of a head, for the rotary fields of a config.json. */
export interface GoldenRope {
  readonly headDim: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly frequencies: readonly number[];
}

interface GoldenFile {
  readonly models: readonly GoldenModel[];
  readonly training: readonly GoldenTraining[];
}

interface ArchitectureGoldens extends GoldenFile {
  readonly ropes: readonly GoldenRope[];
  readonly chats: readonly { readonly model: string; readonly chats: readonly GoldenChat[] }[];
}

function readGoldens<File extends GoldenFile>(name: string): File {
  return JSON.parse(readFileSync(join(GOLDEN, name), 'utf8')) as File;
}

/** What `make_goldens.py` wrote. */
const plain = readGoldens('goldens.json');
/** What `make_architecture_goldens.py` wrote. */
const architectures = readGoldens<ArchitectureGoldens>('architectures.json');

export const goldens = {
  models: [...plain.models, ...architectures.models],
  training: [...plain.training, ...architectures.training],
  ropes: architectures.ropes,
  chats: architectures.chats,
};

/** The golden model of that name. */
export function goldenFor(name: string): GoldenModel {
  const golden = goldens.models.find(({ model }) => model === name);
  if (golden === undefined) throw new Error(`no golden model ${name}`);
  return golden;
}

/** What `make_adapter_goldens.py` wrote. */
export const adapterGoldens = JSON.parse(readFileSync(join(GOLDEN, 'adapters.json'), 'utf8')) as {
  readonly adapters: readonly {
    readonly adapter: string;
    /** By the name of a module in the base. */
    readonly modules: Readonly<Record<string, { readonly rank: number; readonly scale: number }>>;
    readonly rows: readonly TrainingRow[];
    readonly scores: readonly ScoredRow[];
    readonly mergedScores: readonly ScoredRow[];
  }[];
  readonly training: readonly (Pick<GoldenTraining, 'rows' | 'settings' | 'log' | 'finalScores'> & { readonly adapter: string })[];
  /** By schedule and warm-up steps: transformers' rates of ten steps, the peak 1. */
  readonly learningRates: Readonly<Record<string, readonly number[]>>;
};

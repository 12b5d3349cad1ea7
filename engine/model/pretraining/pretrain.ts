import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { BadInputError, NotFiniteError } from '../../../campaign/errors';
import type { Checkpoint, ComputeProgress } from '../../../campaign/language-model';
import type { PretrainModel, PretrainTraining } from '../../../campaign/pretrain-spec';
import { writeJsonAtomically } from '../../files/atomic-write';
import { CheckpointFiles } from '../../files/checkpoint-files';
import { parseJsonObject } from '../../files/json-file';
import type { ModelConfig } from '../../files/model-config';
import { refuseNonFiniteValues } from '../../files/non-finite';
import { openSafetensors, readTensorF32, writeSafetensors } from '../../files/safetensors';
import { loadTokenizer } from '../../files/tokenizer';
import { openSession } from '../../runtime/session';
import { adamWScalars } from '../training/adamw';
import { type PackedStep, packDocuments, packedBatch } from './pack-documents';
import { readDocuments, refuseNothingToLearn } from './pretraining-corpus';
import { pretrainingGraph, stateNames } from './pretraining-graph';
import { type StackedParameter, checkpointTensors, initialValues, stackedParameters } from './pretraining-parameters';
import { randomStream } from '../random';
import { columnTensor, floatTensor, floats, integerTensor } from '../tensors';

export interface PretrainRequest {
  readonly model: PretrainModel;
  readonly training: PretrainTraining;
  readonly seed: number;
  /** Holds tokenizer.json; the model is written here too: config.json, generation_config.json, model.safetensors, loss.json. */
  readonly outDirectory: string;
  /** JSONL rows `{segments: [{text, lossWeight}]}`, in training order. EOS is appended with the last segment's weight. */
  readonly corpusFile: string;
  /** Id that ends a document. */
  readonly eosTokenId: number;
  /** Checkpoints of an unfinished run; a run that finds one goes on from the newest whole one. Removed at the end. */
  readonly workDirectory: string;
  /** @default 60 */
  readonly checkpointSeconds?: number;
}

export interface PretrainResult {
  readonly steps: number;
  readonly tokens: number;
  readonly parameters: number;
  readonly finalLoss: number;
  /** Of this process; a resumed run counts its own part. */
  readonly seconds: number;
}

/** A line of the loss curve: means over the steps since the line before. */
interface LossPoint {
  readonly step: number;
  readonly tokens: number;
  readonly loss: number;
}
const STEPS_A_POINT = 10;
const INITIAL_STREAM = 0x5ea1;

/**
 * Trains a Llama model from scratch: Muon on the hidden matrices, AdamW on the rest, documents packed and masked from each other.
 * Stopped at any moment, it goes on from its last checkpoint to the same bits.
 *
 * @throws BadInputError for a corpus line that is not a document; NotFiniteError naming the step
 */
export async function pretrain(request: PretrainRequest, onProgress: (progress: ComputeProgress) => void): Promise<PretrainResult> {
  const started = performance.now();
  const tokenizer = loadTokenizer(request.outDirectory);
  const config = modelConfig(request, tokenizer.vocabularySize);
  const parameters = stackedParameters(config);
  const { rows, length } = request.training;
  const { steps } = packDocuments(await readDocuments(request, tokenizer), rows, length);
  refuseNothingToLearn(request, steps);
  const session = await openSession(pretrainingGraph(config, parameters, request.training));
  const run = new PretrainingRun(request, config, parameters, session, steps);
  await run.train(onProgress);
  await session.release();
  run.writeModel();
  rmSync(request.workDirectory, { recursive: true, force: true });
  return { ...run.summary(), seconds: (performance.now() - started) / 1000 };
}

function modelConfig({ model, eosTokenId }: PretrainRequest, vocabularySize: number): ModelConfig {
  return {
    architecture: 'llama',
    vocabularySize,
    width: model.width,
    layers: model.layers,
    heads: model.heads,
    kvHeads: model.kvHeads,
    headDim: model.width / model.heads,
    ffnWidth: model.ffnWidth,
    biases: [],
    normEpsilon: model.normEpsilon,
    ropeTheta: model.ropeTheta,
    ropeScaling: null,
    contextLength: model.contextLength,
    tied: true,
    bosTokenId: null,
    eosTokenIds: [eosTokenId],
  };
}

/** Where a run stands: every parameter and optimiser state, the step to come, the loss curve. */
class PretrainingRun {
  private readonly current = new Map<string, Float32Array>();
  private readonly next = new Map<string, Float32Array>();
  private readonly shapes = new Map<string, readonly number[]>();
  private curve: LossPoint[] = [];
  private step = 0;
  private tokens = 0;
  private readonly checkpoints: CheckpointFiles;

  constructor(
    private readonly request: PretrainRequest,
    private readonly config: ModelConfig,
    private readonly parameters: readonly StackedParameter[],
    private readonly session: InferenceSession,
    private readonly steps: readonly PackedStep[],
  ) {
    this.checkpoints = new CheckpointFiles(request.workDirectory);
    const random = randomStream(request.seed ^ INITIAL_STREAM);
    for (const parameter of parameters) {
      const [name, ...moments] = stateNames(parameter) as [string, ...string[]];
      const initial = initialValues(parameter, random);
      for (const key of [name, ...moments]) {
        this.shapes.set(key, parameter.shape);
        this.current.set(key, key === name ? initial : new Float32Array(initial.length));
        this.next.set(key, new Float32Array(initial.length));
      }
    }
  }

  async train(onProgress: (progress: ComputeProgress) => void): Promise<void> {
    await this.restore();
    let saved = performance.now();
    let losses: number[] = [];
    const { checkpointSeconds = 60 } = this.request;
    while (this.step < this.steps.length) {
      losses.push(await this.runStep());
      this.step += 1;
      let checkpoint: Checkpoint | undefined;
      if (this.step % STEPS_A_POINT === 0 || this.step === this.steps.length) {
        this.curve.push({ step: this.step, tokens: this.tokens, loss: losses.reduce((a, b) => a + b, 0) / losses.length });
        losses = [];
        if (performance.now() - saved > checkpointSeconds * 1000) {
          checkpoint = await this.save();
          saved = performance.now();
        }
      }
      onProgress({ done: this.step, total: this.steps.length, unit: 'steps', ...(checkpoint && { checkpoint }) });
    }
  }

  summary(): Omit<PretrainResult, 'seconds'> {
    const parameters = this.parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    return { steps: this.step, tokens: this.tokens, parameters, finalLoss: this.curve.at(-1)?.loss ?? Number.NaN };
  }

  writeModel(): void {
    const { outDirectory, seed, training } = this.request;
    mkdirSync(outDirectory, { recursive: true });
    writeSafetensors(join(outDirectory, 'model.safetensors'), checkpointTensors(this.parameters, this.current), { format: 'pt' });
    writeJsonAtomically(join(outDirectory, 'config.json'), huggingFaceConfig(this.config));
    writeJsonAtomically(join(outDirectory, 'generation_config.json'), { eos_token_id: this.config.eosTokenIds[0] });
    writeJsonAtomically(join(outDirectory, 'loss.json'), { seed, training, ...this.summary(), curve: this.curve });
  }

  private async runStep(): Promise<number> {
    const { rows, length, warmupSteps, decayFraction, ...training } = this.request.training;
    const batch = packedBatch(this.steps[this.step] as PackedStep, length);
    const share = learningRateShare(this.step, this.steps.length, warmupSteps, decayFraction);
    const [stepSize, correction, decay] = adamWScalars(this.step + 1, share * training.learningRate, 0, training.beta2);
    const results = await this.session.run(
      {
        ids: integerTensor(batch.ids, [1, rows, length]),
        positions: integerTensor(batch.positions, [rows, length]),
        segments: integerTensor(batch.segments, [rows, length]),
        labels: integerTensor(batch.labels, [1, rows * length]),
        weights: floatTensor(batch.weights, [1, rows * length]),
        matrixLearningRate: columnTensor([share * training.matrixLearningRate]),
        stepSize: columnTensor([stepSize]),
        secondMomentCorrection: columnTensor([correction]),
        decay: columnTensor([decay]),
        ...this.tensors(this.current, ''),
      },
      { loss: null, ...this.tensors(this.next, '.next') },
    );
    for (const [name, written] of this.next) {
      this.next.set(name, this.current.get(name) as Float32Array);
      this.current.set(name, written);
    }
    this.tokens += batch.tokens;
    const loss = floats(results['loss'])[0] as number;
    if (!Number.isFinite(loss)) throw new NotFiniteError(`pretrain: step ${this.step}: expected a finite loss, got ${loss}`);
    return loss;
  }

  private tensors(values: ReadonlyMap<string, Float32Array>, suffix: string): Record<string, Tensor> {
    return Object.fromEntries(
      [...values].map(([name, data]) => [`${name}${suffix}`, floatTensor(data, this.shapes.get(name) as readonly number[])]),
    );
  }

  /** Everything in one file, so that no half of a checkpoint can be read with half of another. */
  private save(): Promise<Checkpoint> {
    const progress = JSON.stringify({ step: this.step, tokens: this.tokens, curve: this.curve, request: this.fingerprint() });
    const tensors = [...this.current].map(([name, data]) => ({
      name,
      dtype: 'F32' as const,
      shape: this.shapes.get(name) as readonly number[],
      data,
    }));
    return this.checkpoints.add(this.step, (file) => writeSafetensors(file, tensors, { progress }));
  }

  private async restore(): Promise<void> {
    const newest = await this.checkpoints.newest();
    if (newest === undefined) return;
    const { metadata, tensors } = openSafetensors(newest.name);
    const progress = parseProgress(newest.name, metadata['progress']);
    if (progress?.request !== this.fingerprint()) throw otherCheckpoint(newest, 'one with other settings');
    for (const [name, shape] of this.shapes) {
      const entry = tensors.get(name);
      if (entry?.shape.join() !== shape.join()) throw otherCheckpoint(newest, `one without ${name} [${shape.join(', ')}]`);
      const values = readTensorF32(entry);
      refuseNonFiniteValues(entry, values);
      this.current.set(name, values);
    }
    ({ step: this.step, tokens: this.tokens, curve: this.curve } = progress);
  }

  private fingerprint(): string {
    const { model, training, seed } = this.request;
    return JSON.stringify({ model, training, seed, steps: this.steps.length });
  }
}

interface CheckpointProgress {
  readonly step: number;
  readonly tokens: number;
  readonly curve: LossPoint[];
  readonly request: string;
}

function otherCheckpoint({ name }: Checkpoint, got: string): BadInputError {
  return new BadInputError({ where: name, expected: 'the checkpoint of this very run (remove the folder to start over)', got });
}

/** Undefined where the text is not what a run writes. */
function parseProgress(file: string, text: string | undefined): CheckpointProgress | undefined {
  const { step, tokens, curve, request } = parseJsonObject(Buffer.from(text ?? '{}'), `${file}: __metadata__.progress`);
  if (!Number.isSafeInteger(step) || !Number.isSafeInteger(tokens) || !Array.isArray(curve) || typeof request !== 'string') return undefined;
  return { step: step as number, tokens: tokens as number, curve: curve as LossPoint[], request };
}

/** Warm-up, then constant, then linear to 0 over the last part. */
function learningRateShare(step: number, steps: number, warmupSteps: number, decayFraction: number): number {
  if (step < warmupSteps) return (step + 1) / warmupSteps;
  return Math.min(1, (steps - step) / (steps * decayFraction));
}

/** As transformers writes it. */
function huggingFaceConfig(config: ModelConfig): Record<string, unknown> {
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    vocab_size: config.vocabularySize,
    hidden_size: config.width,
    intermediate_size: config.ffnWidth,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    num_key_value_heads: config.kvHeads,
    head_dim: config.headDim,
    hidden_act: 'silu',
    max_position_embeddings: config.contextLength,
    rms_norm_eps: config.normEpsilon,
    rope_theta: config.ropeTheta,
    tie_word_embeddings: true,
    attention_bias: false,
    mlp_bias: false,
    bos_token_id: null,
    eos_token_id: config.eosTokenIds[0],
    pad_token_id: null,
    dtype: 'float32',
  };
}

import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { BadInputError, NotFiniteError } from '../../contracts/errors';
import type {
  ComputeProgress,
  GenerateRequest,
  GenerateResult,
  GenerateRow,
  GeneratedRow,
} from '../../contracts/language-model';
import type { ModelConfig } from '../files/model-config';
import type { Tokenizer } from '../files/tokenizer';
import { type AdapterStack, stackAdapters } from './adapter-stack';
import { type RowBlock, planBlocks } from './batches';
import type { LoadedModel } from './loaded-model';
import { randomStream } from './random';
import { checkIds } from './rows';
import { sampleToken } from './sampling';
import { floatTensor, floats, integerTensor } from './tensors';

/**
 * Generates a completion for each prompt, greedily or by sampling, batched over rows and adapters with a key-value cache.
 *
 * A row ends at any EOS of the model, at a stop string or after `maxNewTokens` (sooner if the model's context is full); neither EOS nor stop string is in its text or ids.
 * @throws BadInputError for a prompt or an adapter that does not fit the model
 */
export async function generate(
  model: LoadedModel,
  request: GenerateRequest,
  onProgress: (progress: ComputeProgress) => void,
): Promise<GenerateResult> {
  const started = performance.now();
  const results = request.groups.map(({ rows }) => new Array<GeneratedRow>(rows.length));
  const blocks = planBlocks(request.groups);
  const total = blocks.length * request.maxNewTokens;
  let generatedTokens = 0;
  for (const [i, block] of blocks.entries()) {
    const decoder = await Decoder.open(model, request, block);
    await decoder.run((step) => onProgress({ done: i * request.maxNewTokens + step, total, unit: 'tokens' }));
    for (const { row, group, index } of decoder.rows) {
      (results[group] as GeneratedRow[])[index] = row.result();
      generatedTokens += row.tokenIds.length;
    }
  }
  return { groups: results, generatedTokens, seconds: (performance.now() - started) / 1000 };
}

/** One row as it grows. */
class GeneratingRow {
  readonly tokenIds: number[] = [];
  private text: string | undefined;
  finish: GeneratedRow['finish'] | undefined;
  private readonly random: () => number;
  /** New tokens that fit. */
  private readonly limit: number;

  constructor(
    readonly promptIds: readonly number[],
    private readonly request: GenerateRequest,
    private readonly tokenizer: Tokenizer,
    private readonly config: ModelConfig,
    seed: number,
  ) {
    this.random = randomStream(seed);
    this.limit = Math.min(request.maxNewTokens, config.contextLength - promptIds.length);
  }

  /** Takes the next token from its logits [V]. @returns the token */
  advance(logits: Float32Array): number {
    const id = sampleToken(logits, this.request, this.random);
    if (this.config.eosTokenIds.includes(id)) {
      this.finish = 'eos';
      return id;
    }
    this.tokenIds.push(id);
    this.stopAtString();
    if (this.finish === undefined && this.tokenIds.length >= this.limit) this.finish = 'length';
    return id;
  }

  result(): GeneratedRow {
    return { text: this.text ?? this.tokenizer.decode(this.tokenIds), tokenIds: this.tokenIds, finish: this.finish ?? 'length' };
  }

  private stopAtString(): void {
    const { stop = [] } = this.request;
    if (stop.length === 0) return;
    const text = this.tokenizer.decode(this.tokenIds);
    const found = stop.map((part) => text.indexOf(part)).filter((at) => at >= 0);
    if (found.length === 0) return;
    this.text = text.slice(0, Math.min(...found));
    // The ids that gave the text before the stop string: the most of them that do not reach past it.
    while (this.tokenIds.length > 0 && this.tokenizer.decode(this.tokenIds).length > this.text.length) this.tokenIds.pop();
    this.finish = 'stop';
  }
}

interface PlacedRow {
  readonly row: GeneratingRow;
  readonly group: number;
  readonly index: number;
}

/** A block of rows [N, B] and its cache. Rows that an adapter lacks are padding: they run along unread. */
class Decoder {
  private readonly grid: readonly (PlacedRow | undefined)[];
  private cache: Record<string, Tensor>;
  private slots = 0;

  private constructor(
    private readonly session: InferenceSession,
    private readonly stack: AdapterStack | null,
    private readonly model: LoadedModel,
    private readonly N: number,
    private readonly B: number,
    readonly rows: readonly PlacedRow[],
    places: readonly number[],
    private readonly maxNewTokens: number,
  ) {
    const grid = new Array<PlacedRow | undefined>(N * B).fill(undefined);
    rows.forEach((row, i) => (grid[places[i] as number] = row));
    this.grid = grid;
    this.cache = this.emptyCache();
  }

  static async open(model: LoadedModel, request: GenerateRequest, block: RowBlock<GenerateRow>): Promise<Decoder> {
    const N = block.rows.length;
    const B = Math.max(...block.rows.map((rows) => rows.length));
    const rows: PlacedRow[] = [];
    const places: number[] = [];
    block.rows.forEach((ofAdapter, n) => {
      ofAdapter.forEach(({ row, group, index }, b) => {
        const where = request.groups.length === 1 ? `prompt ${index + 1}` : `group ${group + 1}, prompt ${index + 1}`;
        rows.push({ row: startRow(model, request, row, where), group, index });
        places.push(n * B + b);
      });
    });
    const stack = block.adapters === null ? null : stackAdapters(block.adapters, model.config);
    const session = await model.decodingSession(stack?.layout ?? null, request.compute);
    return new Decoder(session, stack, model, N, B, rows, places, request.maxNewTokens);
  }

  async run(onStep: (step: number) => void): Promise<void> {
    const T = Math.max(1, ...this.rows.map(({ row }) => row.promptIds.length));
    const prompts = this.grid.map((placed) => placed?.row.promptIds ?? [0]);
    let next = this.take(await this.forward(prompts, T, prompts.map(() => 0)));
    for (let step = 1; step < this.maxNewTokens && this.rows.some(({ row }) => row.finish === undefined); step += 1) {
      onStep(step);
      const lengths = prompts.map((prompt) => prompt.length + step - 1);
      next = this.take(await this.forward(next.map((id) => [id]), 1, lengths));
    }
  }

  /** Each unfinished row takes its next token. @returns the token of each place, 0 where nobody reads it */
  private take(logits: Float32Array): number[] {
    const V = this.model.config.vocabularySize;
    return this.grid.map((placed, place) => {
      if (placed === undefined || placed.row.finish !== undefined) return 0;
      return takeToken(placed, logits.subarray(place * V, (place + 1) * V));
    });
  }

  /** Slots of past calls that hold padding: a row's prompt may be shorter than the longest. */
  private readonly valid: number[][] = [];

  /**
   * Runs the tokens of each place (right-padded to T) behind the cache.
   *
   * @param starts the place of each row's first token in its text
   * @returns logits [B*N, V] after the last token of each
   */
  private async forward(tokens: readonly (readonly number[])[], T: number, starts: readonly number[]): Promise<Float32Array> {
    const { N, B } = this;
    const R = N * B;
    const ids = new BigInt64Array(R * T);
    const positions = new BigInt64Array(R * T);
    const selected = new BigInt64Array(R);
    tokens.forEach((row, r) => {
      row.forEach((id, t) => {
        ids[r * T + t] = BigInt(id);
        positions[r * T + t] = BigInt((starts[r] as number) + t);
      });
      selected[r] = BigInt(r * T + row.length - 1);
      const known = (this.valid[r] ??= []);
      for (let t = 0; t < T; t += 1) known.push(t < row.length ? 1 : 0);
    });
    this.slots += T;
    const results = await this.session.run({
      ids: integerTensor(ids, [N, B, T]),
      positions: integerTensor(positions, [R, T]),
      valid: new Tensor('bool', Uint8Array.from(this.valid.flat()), [R, this.slots]),
      selected: integerTensor(selected, [R]),
      ...this.cache,
      ...this.stack?.feeds(),
    });
    this.cache = {};
    for (let layer = 0; layer < this.model.config.layers; layer += 1) {
      for (const kind of ['keys', 'values']) this.cache[`past.${kind}.${layer}`] = results[`${kind}.${layer}`] as Tensor;
    }
    return floats(results['logits']);
  }

  private emptyCache(): Record<string, Tensor> {
    const { layers, kvHeads, headDim } = this.model.config;
    const dims = [this.N * this.B, kvHeads, 0, headDim];
    const names = Array.from({ length: layers }, (_, layer) => [`past.keys.${layer}`, `past.values.${layer}`]).flat();
    return Object.fromEntries(names.map((name) => [name, floatTensor(new Float32Array(0), dims)]));
  }
}

/** @throws NotFiniteError naming the prompt and the place of the token whose logits are not finite */
function takeToken({ row, group, index }: PlacedRow, logits: Float32Array): number {
  try {
    return row.advance(logits);
  } catch (cause) {
    if (!(cause instanceof NotFiniteError)) throw cause;
    throw new NotFiniteError(`group ${group + 1}, prompt ${index + 1}, new token ${row.tokenIds.length + 1}: ${cause.message}`, { cause });
  }
}

function startRow(model: LoadedModel, request: GenerateRequest, { prompt, hasSpecialTokens = false, seed }: GenerateRow, where: string): GeneratingRow {
  const ids = hasSpecialTokens ? model.tokenizer.encodeCompletion(prompt) : model.tokenizer.encodePrompt(prompt);
  if (ids.length === 0) throw new BadInputError({ where, expected: 'at least one token', got: 'an empty prompt' });
  checkIds(ids, model.config, where);
  if (ids.length >= model.config.contextLength) {
    const expected = `fewer than ${model.config.contextLength} tokens (the model's context), to leave room for an answer`;
    throw new BadInputError({ where, expected, got: `${ids.length}` });
  }
  return new GeneratingRow(ids, request, model.tokenizer, model.config, seed ?? 0);
}

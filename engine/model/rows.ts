import { BadInputError } from '../../campaign/errors';
import type { TrainingRow } from '../../campaign/language-model';
import type { ModelConfig } from '../files/model-config';
import type { Tokenizer } from '../files/tokenizer';
import { dropoutTokenKey } from './lora/dropout';

/** A row as the model sees it. The loss falls on ids[lossFrom..]. */
export interface TokenRow {
  readonly ids: readonly number[];
  /** At least 1: nothing predicts the first token. */
  readonly lossFrom: number;
  /** In a training with dropout: from `dropoutRowKey`. */
  readonly dropoutKey?: number;
}

export interface RowOptions {
  /** For training, not for scoring: rows end with the model's EOS where they say so. */
  readonly appendEos: boolean;
  /** What an error calls the row. */
  readonly where: string;
}

/**
 * Ids of a row, as the semantics of docs/algorithm.md has them.
 *
 * @throws BadInputError if the row has no token to learn or score, is longer than the model's context, or has an id out of vocabulary
 */
export function tokeniseRow(row: TrainingRow, tokenizer: Tokenizer, config: ModelConfig, options: RowOptions): TokenRow {
  const { where } = options;
  const { ids, given } = encodeRow(row, tokenizer, config, options);
  // Nothing predicts the first token.
  const lossFrom = Math.max(1, given);
  if (ids.length <= lossFrom) {
    throw new BadInputError({ where, expected: 'at least one token to predict', got: `${ids.length} tokens, ${Math.min(lossFrom, ids.length)} of them given` });
  }
  checkIds(ids, config, where);
  return { ids, lossFrom };
}

/** How many tokens `tokeniseRow` finds in a row for training, however many the model has room for. @throws BadInputError if the model has no EOS for it */
export function countRowTokens(row: TrainingRow, tokenizer: Tokenizer, config: ModelConfig): number {
  return encodeRow(row, tokenizer, config, { appendEos: true, where: 'model' }).ids.length;
}

/** The first `given` ids are those of the prompt, 0 of a text. */
interface EncodedRow {
  readonly ids: readonly number[];
  readonly given: number;
}

function encodeRow(row: TrainingRow, tokenizer: Tokenizer, config: ModelConfig, { appendEos, where }: RowOptions): EncodedRow {
  const { ids, given } = 'text' in row ? { ids: tokenizer.encodePrompt(row.text, row.parseSpecial), given: 0 } : encodeCompletion(row, tokenizer);
  const { endsWithEos = !('text' in row) && !isChat(row) } = row;
  if (!appendEos || !endsWithEos) return { ids, given };
  const eos = endOfSequence(config, where);
  // A tokenizer may end a text with it by itself.
  return 'text' in row && ids.at(-1) === eos ? { ids, given } : { ids: [...ids, eos], given };
}

/**
 * A prompt has the tokenizer's special tokens; those of a rendered chat are in its text. Prompt and completion are encoded together: a
 * tokenizer that marks the start of a text would take a completion alone for one.
 */
function encodeCompletion(row: Exclude<TrainingRow, { readonly text: string }>, tokenizer: Tokenizer): EncodedRow {
  const { parseSpecial = isChat(row) } = row;
  // Parts of the prompt lie where they lay when a completion follows.
  const encode = (text: string): number[] => (isChat(row) ? tokenizer.encodeCompletion(text, parseSpecial) : tokenizer.encodePrompt(text, parseSpecial));
  const prompt = encode(row.prompt);
  const given = prompt.length;
  if ('completionIds' in row) return { ids: [...prompt, ...row.completionIds], given };
  const whole = encode(row.prompt + row.completion);
  // Not where a token reaches over the cut, or where the tokenizer puts one of its own behind the prompt.
  if (prompt.every((id, i) => id === whole[i])) return { ids: whole, given };
  return { ids: [...prompt, ...tokenizer.encodeCompletion(row.completion, parseSpecial === true)], given };
}

function isChat(row: TrainingRow): boolean {
  return 'isChat' in row && row.isChat === true;
}

function endOfSequence(config: ModelConfig, where: string): number {
  const [eos] = config.eosTokenIds;
  if (eos === undefined) throw new BadInputError({ where, expected: 'a model with eos_token_id in its config.json', got: 'none' });
  return eos;
}

/** @throws BadInputError if there are more ids than the context holds, or one that is not in the vocabulary */
export function checkIds(ids: readonly number[], config: ModelConfig, where: string): void {
  if (ids.length > config.contextLength) {
    throw new BadInputError({ where, expected: `at most ${config.contextLength} tokens (the model's context)`, got: `${ids.length}` });
  }
  const outside = ids.find((id) => id >= config.vocabularySize);
  if (outside !== undefined) {
    throw new BadInputError({ where, expected: `token ids below ${config.vocabularySize} (the model's vocabulary)`, got: `${outside}` });
  }
}

/** Rows of N adapters laid out for a graph: int64 and float32 arrays over [N, B, T]. */
export interface TokenBatch {
  readonly N: number;
  readonly B: number;
  readonly T: number;
  readonly ids: BigInt64Array;
  /** [B*N, T]: restart with each row that shares a line. */
  readonly positions: BigInt64Array;
  /** [B*N, T]: numbers the rows that share a line; 0 is padding. */
  readonly segments: BigInt64Array;
  /** Of each token, from `dropoutTokenKey`; 0 where there is none. */
  readonly dropoutKeys: Uint32Array;
  /** The next token at each place, 0 where there is none. */
  readonly labels: BigInt64Array;
  /** 1/n at each of an adapter's n loss tokens, 0 elsewhere. */
  readonly weights: Float32Array;
  /** n of each adapter. */
  readonly lossTokens: readonly number[];
}

/** One row a line, padded on the right to the longest. Adapters with fewer rows get empty lines, without weight. */
export function batchRows(rowsByAdapter: readonly (readonly TokenRow[])[]): TokenBatch {
  const T = longest(rowsByAdapter.flat());
  return layOut(rowsByAdapter.map((rows) => rows.map((row) => [row])), T, rowsByAdapter.map(countLossTokens));
}

/**
 * Short rows share a line, so that a batch of unlike rows is not mostly padding. How, follows from the rows' lengths alone: of the line
 * lengths that are the longest row, twice it, and so on up to all rows in one line, the one with the least work.
 *
 * @param lossTokens n of each adapter, of which the rows may be a part. @default those of the rows
 */
export function packRows(rowsByAdapter: readonly (readonly TokenRow[])[], lossTokens = rowsByAdapter.map(countLossTokens)): TokenBatch {
  const shortest = longest(rowsByAdapter.flat());
  const total = Math.max(...rowsByAdapter.map((rows) => rows.reduce((sum, { ids }) => sum + ids.length, 0)));
  let best = { work: Infinity, T: shortest, lines: [] as TokenRow[][][] };
  for (let T = shortest; T < total + shortest; T += shortest) {
    const length = Math.min(T, total);
    const lines = rowsByAdapter.map((rows) => firstFit(rows, length));
    const work = Math.max(...lines.map((ofAdapter) => ofAdapter.length)) * length * (1 + length / ATTENTION_SHARE);
    if (work < best.work) best = { work, T: length, lines };
  }
  return layOut(best.lines, best.T, lossTokens);
}

/** Line length at which attention, which grows with its square, costs about as much as all else. */
const ATTENTION_SHARE = 1024;

/** How many tokens of the rows the loss falls on. */
export function countLossTokens(rows: readonly TokenRow[]): number {
  return rows.reduce((sum, { ids, lossFrom }) => sum + ids.length - lossFrom, 0);
}

function longest(rows: readonly TokenRow[]): number {
  return Math.max(...rows.map(({ ids }) => ids.length));
}

function firstFit(rows: readonly TokenRow[], T: number): TokenRow[][] {
  const lines: { rows: TokenRow[]; free: number }[] = [];
  for (const row of rows) {
    const line = lines.find(({ free }) => free >= row.ids.length);
    if (line === undefined) lines.push({ rows: [row], free: T - row.ids.length });
    else {
      line.rows.push(row);
      line.free -= row.ids.length;
    }
  }
  return lines.map((line) => line.rows);
}

/** `linesByAdapter`: the rows of each adapter as they share lines of T places. */
function layOut(linesByAdapter: readonly TokenRow[][][], T: number, lossTokens: readonly number[]): TokenBatch {
  const N = linesByAdapter.length;
  const B = Math.max(...linesByAdapter.map((lines) => lines.length));
  const array = (): BigInt64Array => new BigInt64Array(N * B * T);
  const batch = {
    ids: array(),
    positions: array(),
    segments: array(),
    dropoutKeys: new Uint32Array(N * B * T),
    labels: array(),
    weights: new Float32Array(N * B * T),
  };
  linesByAdapter.forEach((lines, n) => {
    lines.forEach((rows, b) => {
      let start = (n * B + b) * T;
      rows.forEach((row, i) => {
        placeRow(batch, row, { start, segment: i + 1, weight: 1 / (lossTokens[n] as number) });
        start += row.ids.length;
      });
    });
  });
  return { N, B, T, ...batch, lossTokens };
}

function placeRow(
  { ids, positions, segments, dropoutKeys, labels, weights }: Omit<TokenBatch, 'N' | 'B' | 'T' | 'lossTokens'>,
  row: TokenRow,
  { start, segment, weight }: { readonly start: number; readonly segment: number; readonly weight: number },
): void {
  row.ids.forEach((id, t) => {
    ids[start + t] = BigInt(id);
    positions[start + t] = BigInt(t);
    segments[start + t] = BigInt(segment);
    if (row.dropoutKey !== undefined) dropoutKeys[start + t] = dropoutTokenKey(row.dropoutKey, t);
    if (t > 0) labels[start + t - 1] = BigInt(id);
    if (t >= row.lossFrom) weights[start + t - 1] = weight;
  });
}

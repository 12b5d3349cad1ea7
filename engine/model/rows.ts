import { BadInputError } from '../../contracts/errors';
import type { TrainingRow } from '../../contracts/language-model';
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
  /** A completion ends with the model's EOS: for training, not for scoring. */
  readonly appendEos: boolean;
  /** What an error calls the row. */
  readonly where: string;
}

/**
 * Encodes a row: a prompt (or a text) with the tokenizer's special tokens, a completion without, the ids joined. Nothing is added to a
 * rendered chat.
 *
 * @throws BadInputError if the row has no token to learn or score, is longer than the model's context, or has an id out of vocabulary
 */
export function tokeniseRow(row: TrainingRow, tokenizer: Tokenizer, config: ModelConfig, options: RowOptions): TokenRow {
  const { where } = options;
  const isChat = 'prompt' in row && row.isChat === true;
  const { parseSpecial = isChat } = row;
  const prompt = isChat ? tokenizer.encodeCompletion(row.prompt, parseSpecial) : tokenizer.encodePrompt('text' in row ? row.text : row.prompt, parseSpecial);
  const completion = 'text' in row ? [] : tokenizer.encodeCompletion(row.completion, parseSpecial === true);
  const eos = 'text' in row || isChat || !options.appendEos ? [] : endOfSequence(config, where);
  const ids = [...prompt, ...completion, ...eos];
  const lossFrom = Math.max(1, 'text' in row ? 1 : prompt.length);
  if (ids.length <= lossFrom) {
    throw new BadInputError({ where, expected: 'at least one token to predict', got: `${ids.length} tokens, ${Math.min(lossFrom, ids.length)} of them given` });
  }
  checkIds(ids, config, where);
  return { ids, lossFrom };
}

function endOfSequence(config: ModelConfig, where: string): number[] {
  const [eos] = config.eosTokenIds;
  if (eos === undefined) throw new BadInputError({ where, expected: 'a model with eos_token_id in its config.json', got: 'none' });
  return [eos];
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

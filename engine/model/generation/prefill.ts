import type { Tensor } from 'onnxruntime-node';
import { type DecodingSession, type NextToken, type RowTokens, type RunResult, runDecoding } from './decoding-run';
import { KeyValueCache } from './key-value-cache';
import { type PromptFamily, promptFamilies } from './prompt-families';

/** Tokens of one run, padding included. */
const TOKENS_A_RUN = 1024;
/** Attention scores of one run, of a head of a token to a slot: a quarter of a gigabyte. */
const SCORES_A_RUN = 2 ** 26;

/** A prompt that has been run. */
export interface Prefilled {
  /** What comes after it. */
  readonly next: NextToken;
  /** Copies its keys and values into a row of `cache`. */
  readonly copyTo: (cache: KeyValueCache, row: number) => void;
}

/**
 * Runs the prompts of one adapter (or of the base). Equal prompts are run once, a beginning that neighbours share is run once, and
 * what is run at a time is bounded.
 *
 * @param onReady is called once for each index of `prompts`; what is not copied then is let go
 */
export async function prefill(
  decoding: DecodingSession,
  adapter: Record<string, Tensor>,
  prompts: readonly (readonly number[])[],
  onReady: (index: number, prefilled: Prefilled) => void,
): Promise<void> {
  const equal = new Map<string, number[]>();
  prompts.forEach((prompt, i) => equal.set(prompt.join(' '), [...(equal.get(prompt.join(' ')) ?? []), i]));
  const indices = [...equal.values()];
  const different = indices.map(([first]) => prompts[first as number] as readonly number[]);
  const rows = different.map((ids): StartedRow => ({ ids, start: 0 }));
  const families = promptFamilies(different).filter(({ shared }) => shared > 0);
  const beginnings = families.map(({ shared, members }) => ({ ids: (different[members[0] as number] as readonly number[]).slice(0, shared), start: 0 }));
  await runRows(decoding, adapter, beginnings, (i, beginning) => {
    const { shared, members } = families[i] as PromptFamily;
    for (const member of members) rows[member] = { ids: (different[member] as readonly number[]).slice(shared), start: shared, beginning };
  });
  await runRows(decoding, adapter, rows, (i, prefilled) => (indices[i] as number[]).forEach((index) => onReady(index, prefilled)));
}

/** A row whose first `start` tokens are `beginning`. */
interface StartedRow extends RowTokens {
  readonly beginning?: Prefilled;
}

/** Runs rows in batches of like length, a row that is too long for one run in pieces. */
async function runRows(
  decoding: DecodingSession,
  adapter: Record<string, Tensor>,
  rows: readonly StartedRow[],
  onReady: (index: number, prefilled: Prefilled) => void,
): Promise<void> {
  const run = (members: readonly RowTokens[], cache: KeyValueCache): Promise<RunResult> => runDecoding(decoding, { count: 1, feeds: adapter }, members, cache);
  for (const batch of batchesOf(rows)) {
    const members = batch.map((i) => rows[i] as StartedRow);
    if (members.length === 1) {
      onReady(batch[0] as number, await runAlone(decoding, members[0] as StartedRow, run));
      continue;
    }
    const { next, fresh } = await run(members, beginningsOf(decoding, members));
    batch.forEach((i, r) => {
      const { ids, start, beginning } = rows[i] as StartedRow;
      const copyTo = (to: KeyValueCache, row: number): void => {
        beginning?.copyTo(to, row);
        to.write(fresh, r, row, start, ids.length);
      };
      onReady(i, { next: next(r), copyTo });
    });
  }
}

/** Piece by piece, each behind a cache of those before it. */
async function runAlone(
  decoding: DecodingSession,
  row: StartedRow,
  run: (rows: readonly RowTokens[], cache: KeyValueCache) => Promise<RunResult>,
): Promise<Prefilled> {
  const { heads } = decoding.config;
  const most = Math.max(1, Math.min(TOKENS_A_RUN, Math.floor(SCORES_A_RUN / ((row.start + row.ids.length) * heads))));
  const pieces = cut(row, most);
  let cache = beginningsOf(decoding, [row]);
  let last: RunResult | undefined;
  for (const piece of pieces) {
    last = await run([piece], cache);
    cache = cache.withSlots(piece.start + piece.ids.length, [piece.start]);
    cache.write(last.fresh, 0, 0, piece.start, piece.ids.length);
  }
  return { next: (last as RunResult).next(0), copyTo: (to, r) => to.copyRow(cache, 0, r, cache.slots) };
}

/** The rows' beginnings; at least one slot, held by no row. */
function beginningsOf({ config }: DecodingSession, rows: readonly StartedRow[]): KeyValueCache {
  const cache = KeyValueCache.empty(config, rows.length, Math.max(1, ...rows.map(({ start }) => start)));
  rows.forEach(({ beginning }, r) => beginning?.copyTo(cache, r));
  return cache;
}

/** Indices of rows, shortest first, in batches of at most `TOKENS_A_RUN` padded tokens. */
function batchesOf(rows: readonly RowTokens[]): number[][] {
  const length = (i: number): number => (rows[i] as RowTokens).ids.length;
  const order = [...rows.keys()].sort((a, b) => length(a) - length(b) || a - b);
  const batches: number[][] = [];
  for (const i of order) {
    const batch = batches.at(-1);
    if (batch !== undefined && (batch.length + 1) * length(i) <= TOKENS_A_RUN) batch.push(i);
    else batches.push([i]);
  }
  return batches;
}

function cut({ ids, start }: RowTokens, size: number): RowTokens[] {
  return Array.from({ length: Math.ceil(ids.length / size) }, (_, i) => ({ ids: ids.slice(i * size, (i + 1) * size), start: start + i * size }));
}

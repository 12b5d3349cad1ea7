import type { Tensor } from 'onnxruntime-node';
import type { AdapterStack } from '../lora/adapter-stack';
import { type DecodingSession, runDecoding } from './decoding-run';
import type { GeneratingRow } from './generating-row';
import { KeyValueCache } from './key-value-cache';
import { prefill } from './prefill';

/** The cache grows by this many slots at a time. */
const SLOTS_A_GROWTH = 64;
/** Finished rows are dropped as soon as that leaves this share of the rows that are run, or less. */
const WORTH_DROPPING = 7 / 8;

/** The rows that are run, `rows[n]` with the n-th of `adapters`; all adapters have the same number of places, some of them empty. */
interface Grid {
  readonly adapters: readonly number[];
  readonly rows: readonly (readonly GeneratingRow[])[];
  readonly places: number;
}

/** Runs a block of rows to their ends: prompts first, then a token of each row at a time, without the rows that have ended. */
export class Decoder {
  private readonly adapterFeeds = new Map<string, Record<string, Tensor>>();

  private constructor(
    private readonly decoding: DecodingSession,
    private readonly stack: AdapterStack | null,
    private grid: Grid,
    private cache: KeyValueCache,
  ) {}

  /** @param rows `rows[n]` of the n-th adapter of `stack`; without a stack, one list on the base */
  static async run(
    decoding: DecodingSession,
    stack: AdapterStack | null,
    rows: readonly (readonly GeneratingRow[])[],
    onStep: (step: number) => void,
  ): Promise<void> {
    const grid = gridOf(rows.map((_, n) => n), rows);
    const longest = Math.max(...rows.flat().map(({ length }) => length));
    const decoder = new Decoder(decoding, stack, grid, KeyValueCache.empty(decoding.config, sizeOf(grid), roomFor(longest + 1)));
    for (const [n, ofAdapter] of rows.entries()) await decoder.start(n, ofAdapter);
    for (let step = 1; decoder.running().length > 0; step += 1) {
      onStep(step);
      decoder.dropFinished();
      await decoder.step();
    }
  }

  private async start(n: number, rows: readonly GeneratingRow[]): Promise<void> {
    await prefill(this.decoding, this.feeds([n]), rows.map(({ promptIds }) => promptIds), (b, { next, copyTo }) => {
      copyTo(this.cache, n * this.grid.places + b);
      (rows[b] as GeneratingRow).advance(next);
    });
  }

  private running(): readonly GeneratingRow[] {
    return this.grid.rows.flat().filter(({ finish }) => finish === undefined);
  }

  /** Takes the next token of each row. */
  private async step(): Promise<void> {
    const { adapters, places, rows } = this.grid;
    const lengths = placed(this.grid).map((row) => (row === undefined || row.finish !== undefined ? 0 : row.length));
    const longest = Math.max(...lengths);
    if (longest > this.cache.slots) this.cache = this.cache.withSlots(roomFor(longest), lengths.map((length) => Math.max(0, length - 1)));
    const tokens = placed(this.grid).map((row, r) => ({ ids: [row?.last ?? 0], start: Math.max(0, (lengths[r] as number) - 1) }));
    const { next, fresh } = await runDecoding(this.decoding, { count: adapters.length, feeds: this.feeds(adapters) }, tokens, this.cache);
    rows.forEach((ofAdapter, n) => {
      ofAdapter.forEach((row, b) => {
        if (row.finish !== undefined) return;
        const r = n * places + b;
        this.cache.write(fresh, r, r, row.length - 1, 1);
        row.advance(next(r));
      });
    });
  }

  /** Moves the rows that still run together, where it is worth it. */
  private dropFinished(): void {
    const kept = this.grid.adapters
      .map((adapter, n) => ({ adapter, rows: (this.grid.rows[n] as readonly GeneratingRow[]).filter(({ finish }) => finish === undefined) }))
      .filter(({ rows }) => rows.length > 0);
    const grid = gridOf(kept.map(({ adapter }) => adapter), kept.map(({ rows }) => rows));
    if (sizeOf(grid) > WORTH_DROPPING * sizeOf(this.grid)) return;
    const before = placed(this.grid);
    // In order, each to its own place or one before it: nothing is overwritten that has yet to move.
    placed(grid).forEach((row, to) => {
      if (row !== undefined) this.cache.copyRow(this.cache, before.indexOf(row), to, row.length - 1);
    });
    this.cache = this.cache.firstRows(sizeOf(grid));
    this.grid = grid;
  }

  private feeds(adapters: readonly number[]): Record<string, Tensor> {
    if (this.stack === null) return {};
    const key = adapters.join(' ');
    const feeds = this.adapterFeeds.get(key) ?? this.stack.feeds(adapters);
    this.adapterFeeds.clear();
    this.adapterFeeds.set(key, feeds);
    return feeds;
  }
}

function gridOf(adapters: readonly number[], rows: readonly (readonly GeneratingRow[])[]): Grid {
  return { adapters, rows, places: Math.max(...rows.map(({ length }) => length)) };
}

/** Places of all adapters. */
function sizeOf({ adapters, places }: Grid): number {
  return adapters.length * places;
}

/** The row of each place, n-major. */
function placed({ rows, places }: Grid): (GeneratingRow | undefined)[] {
  return rows.flatMap((ofAdapter) => Array.from({ length: places }, (_, b) => ofAdapter[b]));
}

function roomFor(slots: number): number {
  return SLOTS_A_GROWTH * Math.ceil(slots / SLOTS_A_GROWTH);
}

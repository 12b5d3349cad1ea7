import type { AdapterRows } from '../../campaign/language-model';

/** Rows of one run of a graph. Fixed numbers: what shares a batch follows from the request alone, since bits may depend on it. */
const ROWS_A_BATCH = 64;

/** A block of rows that are run together: `rows[n]` with `adapters[n]`; no adapter: the base, N = 1. */
export interface RowBlock<Row> {
  readonly adapters: readonly string[] | null;
  /** Each row with where it stands in the request. */
  readonly rows: readonly (readonly { readonly row: Row; readonly group: number; readonly index: number }[])[];
}

/**
 * Cuts a request into blocks: groups with adapters stacked as they come, groups on the base row by row.
 *
 * @param most rows of a block, those of all adapters taken together; a block has at least one of each of its adapters. @default no bound
 * but the fixed ones
 * @param memoryParts no block has more than this part of the rows that the largest would have. @default 1
 */
export function planBlocks<Row>(groups: readonly AdapterRows<Row>[], most = Infinity, memoryParts = 1): RowBlock<Row>[] {
  const blocks = blocksOf(groups, most);
  if (memoryParts === 1) return blocks;
  const largest = Math.max(1, ...blocks.map(({ rows }) => rows.reduce((sum, ofAdapter) => sum + ofAdapter.length, 0)));
  return blocksOf(groups, Math.max(1, Math.floor(largest / memoryParts)));
}

function blocksOf<Row>(groups: readonly AdapterRows<Row>[], most: number): RowBlock<Row>[] {
  const rowsABatch = Math.min(ROWS_A_BATCH, most);
  const placed = groups.map(({ adapterDirectory, rows }, group) => ({
    adapterDirectory,
    rows: rows.map((row, index) => ({ row, group, index })),
  }));
  const onBase = placed.filter(({ adapterDirectory }) => adapterDirectory === null).flatMap(({ rows }) => rows);
  const blocks: RowBlock<Row>[] = chunks(onBase, rowsABatch).map((rows) => ({ adapters: null, rows: [rows] }));
  const adapted = placed.flatMap(({ adapterDirectory, rows }) => (adapterDirectory === null || rows.length === 0 ? [] : [{ adapterDirectory, rows }]));
  const widest = Math.max(1, ...adapted.map(({ rows }) => Math.min(rows.length, rowsABatch)));
  for (const stack of chunks(adapted, Math.max(1, Math.floor(Math.min(4 * ROWS_A_BATCH, most) / widest)))) {
    const longest = Math.max(...stack.map(({ rows }) => rows.length));
    for (let start = 0; start < longest; start += rowsABatch) {
      const present = stack.filter(({ rows }) => rows.length > start);
      blocks.push({
        adapters: present.map(({ adapterDirectory }) => adapterDirectory),
        rows: present.map(({ rows }) => rows.slice(start, start + rowsABatch)),
      });
    }
  }
  return blocks;
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}

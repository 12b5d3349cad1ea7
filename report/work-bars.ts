import type { TimelineBar } from '../record/documents/report';
import type { WorkRecord } from '../record/documents/work';

/** A record with its place on the timeline, in seconds since the first one's start. */
export interface PlacedRecord {
  readonly record: WorkRecord;
  readonly start: number;
  readonly end: number;
}

/** A bar for every computation; neighbours of one worker, kind, scope and outcome with a gap below `gapSeconds` are one. */
export function exactBars(placed: readonly PlacedRecord[], gapSeconds: number): TimelineBar[] {
  const bars: TimelineBar[] = [];
  // Each worker's last bar, whatever its kind: only neighbours are joined.
  const lastOf = new Map<string, number>();
  for (const { record, start, end } of placed) {
    const place = lastOf.get(record.worker);
    const last = place === undefined ? undefined : bars[place];
    if (last !== undefined && isAlike(last, record) && start - last.endSeconds < gapSeconds) {
      bars[place!] = { ...last, endSeconds: Math.max(last.endSeconds, end), computations: last.computations + 1 };
    } else {
      lastOf.set(record.worker, bars.length);
      bars.push(barOf(record, start, end, 1));
    }
  }
  return bars;
}

interface Column {
  /** Busy seconds of each kind, scope and outcome, by a record that has them. */
  readonly busy: Map<string, { readonly record: WorkRecord; readonly seconds: number }>;
  begun: number;
}

/**
 * Bars of whole columns: in each, what the worker did longest. Their number is bounded by workers times columns, however many
 * records there are.
 */
export function columnBars(placed: readonly PlacedRecord[], columnSeconds: number): TimelineBar[] {
  const lanes = new Map<string, Map<number, Column>>();
  for (const one of placed) {
    const { worker } = one.record;
    const lane = lanes.get(worker) ?? new Map<number, Column>();
    lanes.set(worker, lane);
    fillColumns(lane, one, columnSeconds);
  }
  return [...lanes.values()].flatMap((lane) => laneBars(lane, columnSeconds));
}

function fillColumns(lane: Map<number, Column>, { record, start, end }: PlacedRecord, columnSeconds: number): void {
  const first = Math.floor(start / columnSeconds);
  const key = `${record.kind}\n${record.scope}\n${record.outcome}`;
  for (let place = first; place === first || place * columnSeconds < end; place += 1) {
    const column = lane.get(place) ?? { busy: new Map<string, { record: WorkRecord; seconds: number }>(), begun: 0 };
    lane.set(place, column);
    const within = Math.min(end, (place + 1) * columnSeconds) - Math.max(start, place * columnSeconds);
    column.busy.set(key, { record, seconds: (column.busy.get(key)?.seconds ?? 0) + within });
    if (place === first) column.begun += 1;
  }
}

function laneBars(lane: ReadonlyMap<number, Column>, columnSeconds: number): TimelineBar[] {
  const bars: TimelineBar[] = [];
  let lastPlace = Number.NaN;
  for (const [place, { busy, begun }] of [...lane].sort(([a], [b]) => a - b)) {
    const { record } = [...busy.values()].reduce((most, one) => (one.seconds > most.seconds ? one : most));
    const last = bars.at(-1);
    if (last !== undefined && place === lastPlace + 1 && isAlike(last, record)) {
      bars[bars.length - 1] = { ...last, endSeconds: (place + 1) * columnSeconds, computations: last.computations + begun };
    } else {
      bars.push(barOf(record, place * columnSeconds, (place + 1) * columnSeconds, begun));
    }
    lastPlace = place;
  }
  return bars;
}

function isAlike(bar: TimelineBar, { kind, scope, outcome }: WorkRecord): boolean {
  return bar.kind === kind && bar.scope === scope && bar.outcome === outcome;
}

function barOf({ worker, kind, scope, outcome }: WorkRecord, startSeconds: number, endSeconds: number, computations: number): TimelineBar {
  return { worker, kind, scope, outcome, startSeconds, endSeconds, computations };
}

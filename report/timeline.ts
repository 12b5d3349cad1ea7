import { WORK_KINDS, type WorkKind } from '../campaign/work';
import type { CampaignTimeline, ScopeWork, TimelineWorker } from '../record/documents/report';
import type { WorkRecord } from '../record/documents/work';
import { columnBars, exactBars, type PlacedRecord } from './work-bars';

/** Bars drawn one for each computation; of more, columns are drawn instead. */
const MOST_BARS = 2000;
/** About the pixels of a lane. A gap narrower than one is no gap. */
const MOST_COLUMNS = 800;
const FEWEST_COLUMNS = 20;

/** The timeline of computations in whatever order they were recorded. */
export function timelineOf(records: readonly WorkRecord[]): CampaignTimeline {
  const sorted = [...records].sort((a, b) => startMs(a) - startMs(b) || a.from - b.from);
  const [first] = sorted;
  if (first === undefined) return { startedAt: null, spanSeconds: 0, columnSeconds: null, workers: [], scopes: [], bars: [] };
  const placed = sorted.map((record): PlacedRecord => {
    const start = (startMs(record) - startMs(first)) / 1000;
    return { record, start, end: start + record.seconds };
  });
  const spanSeconds = placed.reduce((latest, { end }) => Math.max(latest, end), 0);
  const workers = [...groupBy(sorted, ({ worker }) => worker)].map(([worker, own]) => workerOf(worker, own));
  const scopes = [...groupBy(sorted, ({ scope }) => scope)].map(([scope, own]) => scopeOf(scope, own));
  const exact = exactBars(placed, spanSeconds / MOST_COLUMNS);
  if (exact.length <= MOST_BARS) return { startedAt: first.startedAt, spanSeconds, columnSeconds: null, workers, scopes, bars: exact };
  const columnSeconds = spanSeconds / Math.min(MOST_COLUMNS, Math.max(FEWEST_COLUMNS, Math.floor((2 * MOST_BARS) / workers.length)));
  return { startedAt: first.startedAt, spanSeconds, columnSeconds, workers, scopes, bars: columnBars(placed, columnSeconds) };
}

function workerOf(worker: string, records: readonly WorkRecord[]): TimelineWorker {
  const busySeconds = records.reduce((sum, { seconds }) => sum + seconds, 0);
  return { worker, computations: records.length, failed: failedOf(records), busySeconds };
}

function scopeOf(scope: string, records: readonly WorkRecord[]): ScopeWork {
  const seconds = Object.fromEntries(
    WORK_KINDS.map((kind) => [kind, records.reduce((sum, record) => sum + (record.kind === kind ? record.seconds : 0), 0)]),
  ) as Record<WorkKind, number>;
  return { scope, computations: records.length, failed: failedOf(records), seconds };
}

function failedOf(records: readonly WorkRecord[]): number {
  return records.filter(({ outcome }) => outcome !== 'done').length;
}

function groupBy(records: readonly WorkRecord[], nameOf: (record: WorkRecord) => string): Map<string, WorkRecord[]> {
  const groups = new Map<string, WorkRecord[]>();
  for (const record of records) {
    const name = nameOf(record);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [record]);
    else group.push(record);
  }
  return groups;
}

function startMs({ startedAt }: WorkRecord): number {
  return Date.parse(startedAt);
}

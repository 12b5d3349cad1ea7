import {
  type CampaignTimeline,
  type ScopeWork,
  type TimelineBar,
  type TimelineWorker,
  WORK_KINDS,
  type WorkKind,
  type WorkRecord,
} from '../../contracts/report-details';

/** A gap shorter than this share of the whole would be narrower than a pixel: what stands on its two sides is one bar. */
const SMALLEST_GAP = 1 / 800;

/** The timeline of computations in whatever order they were recorded. */
export function timelineOf(records: readonly WorkRecord[]): CampaignTimeline {
  const sorted = [...records].sort((a, b) => startMs(a) - startMs(b) || a.from - b.from);
  const [first] = sorted;
  if (first === undefined) return { startedAt: null, spanSeconds: 0, workers: [], scopes: [], bars: [] };
  const beginMs = startMs(first);
  const spanSeconds = sorted.reduce((end, record) => Math.max(end, endSeconds(record, beginMs)), 0);
  return {
    startedAt: first.startedAt,
    spanSeconds,
    workers: [...groupBy(sorted, ({ worker }) => worker)].map(([worker, own]) => workerOf(worker, own)),
    scopes: [...groupBy(sorted, ({ scope }) => scope)].map(([scope, own]) => scopeOf(scope, own)),
    bars: barsOf(sorted, beginMs, spanSeconds * SMALLEST_GAP),
  };
}

function barsOf(sorted: readonly WorkRecord[], beginMs: number, gapSeconds: number): TimelineBar[] {
  const bars: TimelineBar[] = [];
  // The last bar of each worker, whatever its kind: only neighbours of one kind are joined.
  const lastOf = new Map<string, number>();
  for (const record of sorted) {
    const { worker, kind, scope, outcome } = record;
    const start = (startMs(record) - beginMs) / 1000;
    const end = endSeconds(record, beginMs);
    const place = lastOf.get(worker);
    const last = place === undefined ? undefined : bars[place];
    if (last !== undefined && last.kind === kind && last.scope === scope && last.outcome === outcome && start - last.endSeconds < gapSeconds) {
      bars[place!] = { ...last, endSeconds: Math.max(last.endSeconds, end), computations: last.computations + 1 };
    } else {
      lastOf.set(worker, bars.length);
      bars.push({ worker, kind, scope, outcome, startSeconds: start, endSeconds: end, computations: 1 });
    }
  }
  return bars;
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
  return records.filter(({ outcome }) => outcome === 'failed').length;
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

function endSeconds(record: WorkRecord, beginMs: number): number {
  return (startMs(record) - beginMs) / 1000 + record.seconds;
}

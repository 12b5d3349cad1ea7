import { timelineOf } from '../../report/timeline';
import { NOTHING_SPENT } from '../../campaign/ledger';
import type { WorkRecord } from '../../record/documents/work';

function record(startSeconds: number, seconds: number, more: Partial<WorkRecord> = {}): WorkRecord {
  const startedAt = new Date(Date.parse('2026-11-22T09:00:00Z') + startSeconds * 1000).toISOString();
  return { kind: 'fine-tune', scope: 'epoch-1', from: 0, to: 8, repeat: 1, worker: '1@a', attempt: 1, startedAt, seconds, outcome: 'done', spent: NOTHING_SPENT, ...more };
}

describe('timelineOf', () => {
  it('orders by time whatever order the records came in, from the first start to the last end', () => {
    const timeline = timelineOf([record(50, 50, { worker: '2@b' }), record(0, 10), record(20, 5, { kind: 'evaluate' })]);
    expect(timeline.startedAt).toBe('2026-11-22T09:00:00.000Z');
    expect(timeline.spanSeconds).toBe(100);
    expect(timeline.bars.map(({ worker, kind, startSeconds, endSeconds }) => [worker, kind, startSeconds, endSeconds])).toEqual([
      ['1@a', 'fine-tune', 0, 10],
      ['1@a', 'evaluate', 20, 25],
      ['2@b', 'fine-tune', 50, 100],
    ]);
  });

  it('joins neighbours without a visible gap, of one worker, kind, scope and outcome only', () => {
    const timeline = timelineOf([
      record(0, 10),
      record(10.05, 10),
      record(20.1, 10, { kind: 'evaluate' }),
      record(30.2, 10, { scope: 'epoch-2' }),
      record(40.3, 10, { scope: 'epoch-2', outcome: 'failed' }),
      record(90, 10, { scope: 'epoch-2', outcome: 'failed' }),
    ]);
    expect(timeline.bars.map(({ computations, outcome }) => [computations, outcome])).toEqual([
      [2, 'done'],
      [1, 'done'],
      [1, 'done'],
      [1, 'failed'],
      [1, 'failed'],
    ]);
  });

  it('draws no more bars than there are pixels, whatever the number of records', () => {
    const { bars } = timelineOf(Array.from({ length: 20_000 }, (_, i) => record(i * 0.2, 0.1)));
    expect(bars).toHaveLength(1);
    expect(bars[0]?.computations).toBe(20_000);
    // Kinds that alternate cannot be joined.
    const kinds = ['fine-tune', 'evaluate'] as const;
    const many = timelineOf(Array.from({ length: 40_000 }, (_, i) => record(i, 1, { kind: kinds[i % 2]!, worker: `${i % 7}@a` })));
    expect(many.bars.length).toBeLessThanOrEqual(4000);
    expect(many.bars.reduce((sum, bar) => sum + bar.computations, 0)).toBe(40_000);
  });

  it('shows of many computations what each worker did longest in each column', () => {
    // Of every 10 s, 7 are fine-tuning; then the worker is idle for half of the time.
    const rounds = Array.from({ length: 2000 }, (_, i) => [record(i * 10, 7), record(i * 10 + 7, 3, { kind: 'evaluate' })]);
    const timeline = timelineOf([...rounds.flat(), record(39_999, 1)]);
    expect(timeline.spanSeconds).toBe(40_000);
    expect(timeline.columnSeconds).toBe(50);
    expect(timeline.bars.map(({ kind, startSeconds, endSeconds, computations }) => [kind, startSeconds, endSeconds, computations])).toEqual([
      ['fine-tune', 0, 20_000, 4000],
      ['fine-tune', 39_950, 40_000, 1],
    ]);
    // Sums are of all computations, not of what is drawn.
    expect(timeline.scopes[0]?.seconds).toMatchObject({ 'fine-tune': 14_001, evaluate: 6000 });
  });

  it('sums what each worker and each part of the campaign took', () => {
    const { workers, scopes } = timelineOf([record(0, 10), record(20, 5, { kind: 'evaluate' }), record(30, 2, { outcome: 'failed', scope: 'epoch-2', worker: '2@b' })]);
    expect(workers).toEqual([
      { worker: '1@a', computations: 2, failed: 0, busySeconds: 15 },
      { worker: '2@b', computations: 1, failed: 1, busySeconds: 2 },
    ]);
    expect(scopes).toEqual([
      { scope: 'epoch-1', computations: 2, failed: 0, seconds: { propose: 0, unadapted: 0, 'fine-tune': 10, evaluate: 5, 'm-step': 0 } },
      { scope: 'epoch-2', computations: 1, failed: 1, seconds: { propose: 0, unadapted: 0, 'fine-tune': 2, evaluate: 0, 'm-step': 0 } },
    ]);
  });

  it('of nothing is empty', () => {
    expect(timelineOf([])).toEqual({ startedAt: null, spanSeconds: 0, columnSeconds: null, workers: [], scopes: [], bars: [] });
  });
});

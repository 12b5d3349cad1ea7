import { METRICS, type MetricDefinition } from '../../campaign/metrics';
import { eventually } from '../workflows/temporal-fixture';
import { isRunning } from '../workflows/worker-process';
import { namedMetrics } from './named-metrics';
import { ObservedStack } from './observed-campaign';
import { type Exposition, type Sample, scrape } from './prometheus-text';

jest.setTimeout(600_000);

const stack = new ObservedStack();
let exposed: Exposition;

async function ready(): Promise<[number, Record<string, { ok: boolean; detail: string }>]> {
  const response = await fetch(`http://${stack.health}/readyz`);
  return [response.status, (await response.json()) as never];
}

beforeAll(async () => {
  await stack.start();
  await eventually('the worker to listen', () => fetch(`http://${stack.health}/healthz`).then(({ ok }) => ok, () => false), 120_000);
  await eventually('the worker to be ready', async () => (await ready())[0] === 200, 60_000);
  await stack.runCampaign('watched');
  exposed = await scrape(stack.metrics);
});

afterAll(() => stack.stop());

function samplesOf(name: string): Sample[] {
  return exposed.samples.filter((sample) => sample.name === name);
}

function sum(name: string, labels: Record<string, string> = {}): number {
  const fitting = samplesOf(name).filter((sample) => Object.entries(labels).every(([label, value]) => sample.labels[label] === value));
  return fitting.reduce((total, { value }) => total + value, 0);
}

/** It takes an activity that lasts longer than a heartbeat's interval. */
const OF_TROUBLE = ['seal_heartbeat_gap_seconds'];

test.each((Object.values(METRICS) as MetricDefinition[]).filter(({ name }) => !OF_TROUBLE.includes(name)))(
  'a real campaign exposes $name as the table says',
  ({ name, kind, labels, bounds }) => {
    const shown = kind === 'counter' ? `${name}_total` : name;
    expect([shown, exposed.types.get(shown)]).toEqual([shown, kind]);
    const samples = samplesOf(kind === 'histogram' ? `${name}_count` : shown);
    for (const sample of samples) expect(Object.keys(sample.labels)).toEqual(expect.arrayContaining([...labels]));
    if (bounds === undefined) return;
    const [first] = samples;
    const same = (sample: Sample): boolean => Object.entries(first!.labels).every(([label, value]) => sample.labels[label] === value);
    expect(samplesOf(`${name}_bucket`).filter(same).map(({ labels: { le } }) => Number(le?.replace('+Inf', 'Infinity')))).toEqual([...bounds, Infinity]);
  },
);

test('what they say is what happened', () => {
  expect(sum('seal_candidates_started_total')).toBe(4);
  expect(sum('seal_candidates_finished_total')).toBe(4);
  expect(sum('seal_candidates_finished_total', { status: 'failed' })).toBe(0);
  expect(sum('seal_candidates_running')).toBe(0);
  expect(sum('seal_compute_seconds_count', { method: 'fineTune', outcome: 'failed' })).toBe(0);
  expect(sum('seal_generated_tokens_total', { activity: 'proposeSelfEdits' })).toBeGreaterThan(0);
  expect(sum('seal_store_request_seconds_count', { operation: 'write', outcome: 'done' })).toBeGreaterThan(10);
  expect(sum('seal_store_request_seconds_count', { outcome: 'failed' })).toBe(0);
  // The SDK's own, on the same page: the wait in the server's queue.
  expect(sum('temporal_activity_schedule_to_start_latency_seconds_count', { task_queue: 'seal-compute' })).toBeGreaterThan(5);
  expect(sum('temporal_activity_schedule_to_start_latency_seconds_count', { task_queue: 'seal-bookkeeping' })).toBeGreaterThan(3);
  // What tells a busy worker, which does not poll, from none.
  expect(samplesOf('temporal_worker_task_slots_used').map(({ labels }) => labels)).toContainEqual(expect.objectContaining({ worker_type: 'ActivityWorker', task_queue: 'seal-compute' }));
});

/** The SDK shows it once a request has failed. */
const OF_FAILURE = ['temporal_request_failure_total'];

test('dashboard and alerts name nothing that a worker does not expose', () => {
  const missing = namedMetrics().filter((name) => !exposed.types.has(name));
  expect(missing.filter((name) => ![...OF_TROUBLE, ...OF_FAILURE].includes(name))).toEqual([]);
});

test('every line of its log is JSON, and those of a campaign have its ids', () => {
  const lines = stack.logLines();
  const done = lines.filter(({ message }) => message === 'activity done');
  expect(done.map(({ activity }) => activity)).toEqual(
    expect.arrayContaining(['pinInputs', 'proposeSelfEdits', 'collectProposals', 'validateSelfEdit', 'fineTuneAdapters', 'evaluateAdapters', 'evaluateBase', 'trainPolicy', 'summariseMethod', 'writeReport']),
  );
  for (const line of done) expect(line).toMatchObject({ campaignId: 'watched', attempt: 1, workflowId: expect.stringMatching(/^watched/), runId: expect.any(String), seconds: expect.any(Number) });
  const candidate = done.find((line) => line['candidate'] === 2 && line['activity'] === 'validateSelfEdit');
  expect(candidate).toMatchObject({ epoch: 1, contextId: expect.stringMatching(/^[0-9a-f]{8}$/) });
  expect(done.find((line) => line['activity'] === 'evaluateAdapters' && line['epoch'] === 1)).toMatchObject({ workflowId: expect.stringMatching(/^watched\/epoch-1\/group-/) });
});

test('a compute process that is killed while idle is replaced by the next question, and counted', async () => {
  const [process] = stack.worker!.computeProcesses();
  globalThis.process.kill(process!, 'SIGKILL');
  await eventually('its end', () => !isRunning(process!));
  await eventually('the worker to be ready again', async () => (await ready())[0] === 200);
  expect(stack.worker!.computeProcesses()).not.toEqual([process]);
});

test('a worker that ends says so before it is gone', async () => {
  expect(await ready()).toMatchObject([200, { polling: { ok: true }, server: { ok: true }, compute: { ok: true } }]);
  expect(await stack.worker!.end('SIGTERM')).toBe('exit 0');
  await expect(ready()).rejects.toThrow();
});

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { packageRoot } from '../../infra/stack/package-root';
import { workflowBundle } from '../../workers/workflow-bundle';
import { ObservedStack } from './observed-campaign';
import { type ReceivedSpan, TraceReceiver } from './trace-receiver';

jest.setTimeout(600_000);

const stack = new ObservedStack();
let receiver: TraceReceiver;

beforeAll(async () => {
  receiver = await TraceReceiver.start();
  const traced = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint };
  await stack.start(traced);
  const env = { ...process.env, ...stack.environment, ...traced };
  const seal = join(packageRoot(), 'dist', 'cli', 'main.js');
  await promisify(execFile)(process.execPath, [seal, 'start', join(stack.home, 'campaign.yaml'), '--id', 'traced', '--wait'], { env });
  // What the worker has not sent yet goes out as it ends.
  await stack.worker!.end('SIGTERM');
});

afterAll(async () => {
  await stack.stop();
  receiver.stop();
});

function spans(name: string | RegExp): ReceivedSpan[] {
  return receiver.spans.filter((span) => (typeof name === 'string' ? span.name === name : name.test(span.name)));
}

/** Names from the root down to a span. */
function pathOf(span: ReceivedSpan): string[] {
  const parent = receiver.spans.find(({ spanId }) => spanId === span.parentSpanId);
  return [...(parent === undefined ? [] : pathOf(parent)), span.name];
}

test('a campaign is one trace, begun by the command that started it', () => {
  expect(new Set(receiver.spans.map(({ traceId }) => traceId)).size).toBe(1);
  const roots = receiver.spans.filter(({ parentSpanId }) => parentSpanId === '');
  expect(roots).toMatchObject([{ name: 'start', service: 'seal-cli', attributes: { 'seal.campaign': 'traced' } }]);
  for (const span of receiver.spans) expect([span.name, pathOf(span)[0]]).toEqual([span.name, 'start']);
});

test('the tree goes down from campaign to epoch, group, candidate, activity and request, each with its ids', () => {
  const tunes = spans('compute fineTune').map(pathOf);
  expect(tunes).toContainEqual(['start', 'campaign', 'epoch', 'candidateGroup', 'activity fineTuneAdapters', 'compute fineTune']);
  expect(tunes).toContainEqual(['start', 'campaign', 'epoch', 'activity trainPolicy', 'compute fineTune']);
  expect(spans('store write').map(pathOf)).toContainEqual(['start', 'campaign', 'epoch', 'candidateGroup', 'activity evaluateAdapters', 'store write']);
  expect(spans('activity validateSelfEdit').map(pathOf)).toContainEqual(['start', 'campaign', 'epoch', 'candidateGroup', 'candidate', 'activity validateSelfEdit']);
  const candidates = spans('candidate');
  expect(candidates).toHaveLength(4);
  for (const { attributes } of candidates) {
    expect(attributes).toMatchObject({
      'seal.campaign': 'traced',
      'seal.epoch': 1,
      'seal.context': expect.stringMatching(/^[0-9a-f]{8}$/),
      'seal.candidate': expect.any(Number),
      'temporal.run_id': expect.any(String),
    });
    expect(attributes['temporal.workflow_id']).toBe(`traced/epoch-1/${attributes['seal.context']}/c${attributes['seal.candidate']}`);
  }
});

test('each workflow has one span, that holds those below it', () => {
  for (const name of ['campaign', 'epoch']) expect([name, spans(name).length]).toEqual([name, 1]);
  for (const span of spans(/^(activity|candidate|epoch)/)) {
    const parent = receiver.spans.find(({ spanId }) => spanId === span.parentSpanId)!;
    // Workflows know the times of their tasks, to the millisecond, activities that of their machine.
    expect([span.name, span.startMs - parent.startMs > -50]).toEqual([span.name, true]);
    expect([span.name, span.failedWith]).toEqual([span.name, null]);
  }
});

test('histories made where workflows are traced replay where they are not, and the other way round', async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
  const connection = await Connection.connect({ address: stack.environment['TEMPORAL_ADDRESS']! });
  const client = new Client({ connection, namespace: stack.environment['TEMPORAL_NAMESPACE']! });
  const ids: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: "SealCampaign = 'traced'" })) ids.push(workflowId);
  expect(ids.length).toBeGreaterThanOrEqual(6);
  for (const traced of [false, true]) {
    const bundle = await workflowBundle(join(stack.home, 'cache'), { traced });
    for (const workflowId of ids) {
      const history = await client.workflow.getHandle(workflowId).fetchHistory();
      await expect(Worker.runReplayHistory({ workflowBundle: bundle }, history, workflowId)).resolves.toBeUndefined();
    }
  }
  await connection.close();
});

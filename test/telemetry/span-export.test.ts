import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BadInputError } from '../../campaign/errors';
import { tracingSettings } from '../../settings/telemetry';
import { readTraceHeader, withTraceHeader } from '../../telemetry/in-workflow/trace-header';
import { attributesOf } from '../../telemetry/tracing/tracing';
import { IDS, PARENT } from './send-spans';
import { TraceReceiver } from './trace-receiver';

let receiver: TraceReceiver;
beforeEach(async () => {
  receiver = await TraceReceiver.start();
});
afterEach(() => receiver.stop());

async function send(patienceMs: number): Promise<{ reasons: string[]; ms: number }> {
  const env = { ...process.env, OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint, OTEL_BSP_SCHEDULE_DELAY: '50' };
  const { stdout } = await promisify(execFile)(process.execPath, [join(__dirname, 'send-spans.js'), String(patienceMs)], { env });
  return JSON.parse(stdout) as { reasons: string[]; ms: number };
}

test('spans arrive with their family, times, attributes and failures', async () => {
  const before = Date.now();
  expect(await send(5_000)).toMatchObject({ reasons: [] });
  expect(receiver.spans).toMatchObject([
    { name: 'compute fineTune', service: 'seal-test', traceId: PARENT.traceId, failedWith: 'OutOfMemoryError', attributes: { 'seal.method': 'fineTune' } },
    { name: 'activity fineTuneAdapters', traceId: PARENT.traceId, parentSpanId: PARENT.spanId, failedWith: null, attributes: attributesOf(IDS) },
    // Without a header it begins a trace of its own.
    { name: 'activity pinInputs', parentSpanId: '', traceId: expect.stringMatching(/^[0-9a-f]{32}$/) },
  ]);
  const [child, parent] = receiver.spans;
  expect(child!.parentSpanId).toBe(parent!.spanId);
  for (const { startMs, endMs } of receiver.spans) {
    expect(startMs).toBeGreaterThanOrEqual(before);
    expect(endMs).toBeGreaterThanOrEqual(startMs);
    expect(endMs).toBeLessThan(Date.now() + 1);
  }
});

test('a collector that refuses is told of, once a minute, and harms nothing', async () => {
  receiver.status = 400;
  expect((await send(5_000)).reasons).toHaveLength(1);
  expect(receiver.spans).toEqual([]);
});

test('a collector that does not answer delays an end by no more than the patience', async () => {
  receiver.silent = true;
  expect((await send(300)).ms).toBeLessThan(2_000);
});

test('a header goes and comes; another\'s is not mistaken for one', () => {
  expect(readTraceHeader(withTraceHeader({}, PARENT))).toEqual(PARENT);
  expect(readTraceHeader({})).toBeNull();
  const { '_tracer-data': payload } = withTraceHeader({}, { traceId: 'zz', spanId: 'b7ad6b7169203331' });
  expect(readTraceHeader({ '_tracer-data': payload! })).toBeNull();
});

test.each([
  [{}, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://collector/v1/traces' }, true],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_SDK_DISABLED: 'true' }, false],
])('%j: traced %s', (env, traced) => expect(tracingSettings(env) !== null).toBe(traced));

test('an address that is none is refused by the variable\'s name', () => {
  const read = (): unknown => tracingSettings({ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' });
  expect(read).toThrow(BadInputError);
  expect(read).toThrow(/^OTEL_EXPORTER_OTLP_ENDPOINT: expected an http or https address of a collector/);
});

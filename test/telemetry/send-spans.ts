/**
 * `node send-spans.js PATIENCE_MS`: sends an activity's span and one below it to the collector of the environment, in a process of its own,
 * since the exporter loads parts of itself in a way that Jest's realm lacks. Prints what it was told and how long the end took.
 */
import { OutOfMemoryError } from '../../campaign/errors';
import { withTraceHeader } from '../../telemetry/in-workflow/trace-header';
import { openTracing } from '../../telemetry/tracing/open-tracing';

export const PARENT = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
export const IDS = { campaignId: 'towns', epoch: 1, contextId: 'ab12cd34', candidate: 2, activity: 'fineTuneAdapters', attempt: 1 };

async function send(patienceMs: number): Promise<void> {
  const reasons: string[] = [];
  const tracing = await openTracing('seal-test', { serviceName: null }, (reason) => reasons.push(reason));
  const span = tracing.activitySpan(IDS, withTraceHeader({}, PARENT));
  span.child('compute fineTune', { 'seal.method': 'fineTune' }).end(new OutOfMemoryError('no memory'));
  span.end();
  tracing.activitySpan({ activity: 'pinInputs' }, {}).end();
  // By then the first batch has gone, in the background.
  await new Promise((resolve) => setTimeout(resolve, 300));
  const before = performance.now();
  await tracing.close(patienceMs);
  process.stdout.write(JSON.stringify({ reasons, ms: performance.now() - before }));
}

if (require.main === module) void send(Number(process.argv[2])).then(() => process.exit(0));

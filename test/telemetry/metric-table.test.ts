import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { METRICS, type MetricDefinition } from '../../campaign/metrics';
import { packageRoot } from '../../infra/stack/package-root';
import { heartbeatGaps } from '../../telemetry/waiting-times';
import { runAs } from '../../telemetry/current-work';
import { SealMeter, sdkNameOf } from '../../telemetry/meter';
import { recordedMeter } from './recorded-meter';

const definitions = Object.values(METRICS) as readonly MetricDefinition[];

test('docs/observability.md lists every metric of the table, word for word, and no other', () => {
  const page = readFileSync(join(packageRoot(), 'docs', 'observability.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `seal_'));
  const expected = definitions.map(({ name, kind, labels, meaning }) => `| \`${name}\` | ${kind} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${meaning} |`);
  expect(rows.map((row) => row.replaceAll('|  |', '| |'))).toEqual(expected.map((row) => row.replaceAll('|  |', '| |')));
});

test('names are of one kind: seal_, lower case, the unit at the end', () => {
  for (const { name, kind } of definitions) {
    expect(name).toMatch(/^seal(_[a-z]+)+$/);
    if (kind === 'histogram') expect(sdkNameOf({ name } as MetricDefinition).unit).toBe('seconds');
    if (kind === 'counter') expect(name).not.toMatch(/_total$/);
  }
});

test('heartbeats are measured from one to the next, under the activity that sends them', async () => {
  const { meter, recorded } = recordedMeter();
  await runAs({ ids: { activity: 'trainPolicy' }, meter: new SealMeter(meter) }, async () => {
    const sent = heartbeatGaps();
    await new Promise((resolve) => setTimeout(resolve, 60));
    sent();
    sent();
  });
  expect(recorded).toMatchObject([
    { name: 'seal_heartbeat_gap', tags: { activity: 'trainPolicy' } },
    { name: 'seal_heartbeat_gap' },
  ]);
  expect(recorded[0]!.value).toBeGreaterThan(0.05);
  expect(recorded[1]!.value).toBeLessThan(0.05);
});

test('outside of a worker nothing is recorded and nothing fails', () => {
  expect(() => heartbeatGaps()()).not.toThrow();
});

import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { METRICS, type MetricDefinition } from '../../campaign/metrics';
import { packageRoot } from '../../infra/stack/package-root';
import { alerts, dashboards, namedMetrics, type Panel, prometheusFolder } from '../telemetry/named-metrics';

const own = (Object.values(METRICS) as readonly MetricDefinition[]).map(({ name, kind }) => (kind === 'counter' ? `${name}_total` : name));

test('dashboard and alerts name our metrics as the table has them, and between them leave none out', () => {
  const named = namedMetrics().filter((name) => name.startsWith('seal_'));
  expect(named.filter((name) => !own.includes(name))).toEqual([]);
  // How many have begun is for whoever asks; how many run and end is what is shown.
  expect(own.filter((name) => !named.includes(name))).toEqual(['seal_candidates_started_total']);
});

test.each(dashboards())('$file: panels have ids of their own, lie side by side and say what they ask', ({ dashboard }) => {
  const { panels } = dashboard;
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const { title, type, targets = [] } of panels) {
    expect(title).not.toBe('');
    if (type !== 'row') expect([title, targets.length]).not.toEqual([title, 0]);
    expect([title, new Set(targets.map(({ refId }) => refId)).size]).toEqual([title, targets.length]);
  }
  panels.forEach((panel, i) => panels.slice(i + 1).forEach((other) => expect([panel.title, other.title, overlap(panel, other)]).toEqual([panel.title, other.title, false])));
  for (const { title, gridPos } of panels) expect([title, gridPos.x + gridPos.w <= 24]).toEqual([title, true]);
});

function overlap({ gridPos: a }: Panel, { gridPos: b }: Panel): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

test('what an issue asks to be woken for has an alert', () => {
  expect(alerts().map(({ alert }) => alert).sort()).toEqual([
    'SealCandidatesFailing',
    'SealComputeRestarts',
    'SealDiskAlmostFull',
    'SealHeartbeatGaps',
    'SealKeyMissing',
    'SealNoComputeWorker',
    'SealNoWorkflowWorker',
    'SealNothingComputed',
    'SealQueueLatency',
    'SealStoreErrors',
    'SealWorkerNotScraped',
  ]);
});

test('the compose file mounts the alerts, the dashboards and their provisioning where Prometheus and Grafana look', () => {
  const folder = join(packageRoot(), 'infra', 'compose');
  const { services } = parse(readFileSync(join(folder, 'compose.yaml'), 'utf8')) as { services: Record<string, { volumes: string[]; environment?: Record<string, string> }> };
  const mounts = [...services['prometheus']!.volumes, ...services['grafana']!.volumes].filter((volume) => volume.startsWith('.')).map((volume) => volume.split(':'));
  for (const [source] of mounts) expect([source, existsSync(join(folder, source!))]).toEqual([source, true]);
  const targets = mounts.map(([, target]) => target);
  expect(targets).toEqual(expect.arrayContaining(['/etc/prometheus/alerts.yaml', '/etc/grafana/provisioning', '/etc/grafana/dashboards']));
  expect(readFileSync(join(folder, 'prometheus.yaml'), 'utf8')).toContain('- alerts.yaml');
  expect(services['grafana']!.environment).toHaveProperty('PROMETHEUS_URL');
});

const promtool = process.env['PROMTOOL'] ?? 'promtool';
const withPromtool = spawnSync(promtool, ['--version']).error === undefined ? test : test.skip;

withPromtool('Prometheus reads its configuration and rules, and each alert fires where it must (needs promtool)', () => {
  for (const args of [['check', 'config', 'prometheus.yaml'], ['check', 'rules', 'alerts.yaml'], ['test', 'rules', 'alerts-test.yaml']]) {
    expect(execFileSync(promtool, args, { cwd: prometheusFolder, encoding: 'utf8' })).toContain('SUCCESS');
  }
});

withPromtool('every question of a dashboard is PromQL (needs promtool)', () => {
  for (const { dashboard } of dashboards()) {
    for (const { targets = [] } of dashboard.panels) {
      for (const { expr } of targets) expect(() => execFileSync(promtool, ['promql', 'format', '--experimental', expr.replaceAll('$instance', '.*')], { stdio: 'pipe' })).not.toThrow();
    }
  }
});

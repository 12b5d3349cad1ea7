import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { packageRoot } from '../../infra/stack/package-root';

const root = join(packageRoot(), 'infra', 'observability');
export const prometheusFolder = join(root, 'prometheus');
export const dashboardFolder = join(root, 'grafana', 'dashboards');

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly refId: string }[];
}

export interface Dashboard {
  readonly uid: string;
  readonly panels: readonly Panel[];
}

export interface Alert {
  readonly alert: string;
  readonly expr: string;
}

export function dashboards(): { readonly file: string; readonly dashboard: Dashboard }[] {
  return readdirSync(dashboardFolder).map((file) => ({ file, dashboard: JSON.parse(readFileSync(join(dashboardFolder, file), 'utf8')) as Dashboard }));
}

export function alerts(): Alert[] {
  const { groups } = parse(readFileSync(join(prometheusFolder, 'alerts.yaml'), 'utf8')) as { groups: readonly { readonly rules: readonly Alert[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** Metrics that dashboards and alerts name, as the page of a worker has them. */
export function namedMetrics(): string[] {
  const ofDashboards = dashboards().flatMap(({ dashboard }) => dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)));
  const expressions = [...ofDashboards, ...alerts().map(({ expr }) => expr)];
  const names = expressions.flatMap((expr) => [...expr.matchAll(/\b(?:seal|temporal)_[a-z_]+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, '')));
  return [...new Set(names)].sort();
}

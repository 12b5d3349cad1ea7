import { appendFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followLog, lastLines } from '../../cli/log-tail';
import { isWanted, logText } from '../../cli/log-text';
import type { LogLevel } from '../../settings/telemetry';
import { formatLogLine } from '../../telemetry/log-line';
import { eventually } from '../workflows/temporal-fixture';
import { runCommand } from './run-command';

let home: string;
let file: string;
const environment = { ...process.env };
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'seal-logs-'));
  mkdirSync(join(home, 'logs'));
  file = join(home, 'logs', 'worker.log');
  process.env['SEAL_HOME'] = home;
});
afterEach(() => {
  process.env = { ...environment };
  rmSync(home, { recursive: true, force: true });
});

function line(level: LogLevel, campaignId: string | null, message = 'activity done'): string {
  const ids = campaignId === null ? {} : { campaignId, workflowId: `${campaignId}/epoch-1/ab12cd34/c2`, activity: 'evaluateAdapters', seconds: 0.4123 };
  return formatLogLine({ level, message, timeMs: Date.UTC(2026, 10, 26, 5, 57, 31), fields: ids });
}

test('the last wanted lines are found across what was put aside, whatever their length', () => {
  const text = (from: number, to: number): string => Array.from({ length: to - from }, (_, i) => `${from + i} ${'é'.repeat((from + i) * 37)}\n`).join('');
  writeFileSync(`${file}.2`, text(0, 100));
  writeFileSync(`${file}.1`, text(100, 200));
  writeFileSync(file, text(200, 300));
  const all = (text(0, 300)).trim().split('\n');
  expect(lastLines(file, 5)).toEqual(all.slice(-5));
  expect(lastLines(file, 250)).toEqual(all.slice(-250));
  expect(lastLines(file, 1_000)).toEqual(all);
  expect(lastLines(file, 2, (one) => one.startsWith('1'))).toEqual(all.slice(198, 200));
  expect(lastLines(join(home, 'none.log'), 5)).toEqual([]);
});

test('a line is printed for people: time, level, message, short ids', () => {
  expect(logText(line('INFO', 'towns'))).toBe('2026-11-26 05:57:31 INFO  activity done (towns epoch-1/ab12cd34/c2, evaluateAdapters, 0.41 s)');
  expect(logText(line('WARN', null, 'the worker ended'))).toBe('2026-11-26 05:57:31 WARN  the worker ended');
  expect(logText('panic: index out of range')).toBe('panic: index out of range');
});

test.each([
  [{}, true, true, true],
  [{ campaign: 'towns' }, true, false, false],
  [{ campaign: 'town' }, false, false, false],
  [{ level: 'WARN' as const }, false, true, true],
  [{ campaign: 'towns', level: 'ERROR' as const }, false, false, false],
])('%j chooses lines', (filter, ofCampaign, warning, foreign) => {
  expect([line('INFO', 'towns'), line('WARN', 'other'), 'panic: foreign'].map((one) => isWanted(one, filter))).toEqual([ofCampaign, warning, foreign]);
});

test('seal logs prints what is asked for; with --json the lines as they were written', async () => {
  writeFileSync(file, [line('INFO', 'towns'), line('WARN', 'other', 'trouble'), ''].join('\n'));
  const read = await runCommand(['logs', '--of', 'worker', '--level', 'warn']);
  expect(read.stdout).toContain('WARN  trouble (other epoch-1/ab12cd34/c2');
  expect(read.stdout).not.toContain('activity done');
  const raw = await runCommand(['logs', '--of', 'worker', '--campaign', 'towns', '--json']);
  expect(JSON.parse(raw.stdout)).toEqual({ logs: [{ process: 'worker', file, lines: [line('INFO', 'towns')] }] });
});

test('a level that is none is refused', async () => {
  const { exitCode, stderr } = await runCommand(['logs', '--level', 'loud']);
  expect([exitCode, stderr]).toEqual([2, '--level: expected one of TRACE, DEBUG, INFO, WARN, ERROR, got "LOUD"\n']);
});

test('what is written while it is followed comes line by line, across a rotation', async () => {
  writeFileSync(file, 'before\n');
  const seen: string[] = [];
  const controller = new AbortController();
  const following = followLog(file, (one) => seen.push(one), controller.signal);
  appendFileSync(file, 'first\nsec');
  await eventually('the first line', () => seen.length === 1);
  appendFileSync(file, 'ond\n');
  // As a rotation does it.
  writeFileSync(`${file}.1`, 'before\nfirst\nsecond\n');
  truncateSync(file, 0);
  appendFileSync(file, 'third\n');
  await eventually('all lines', () => seen.length === 3);
  controller.abort();
  await following;
  expect(seen).toEqual(['first', 'second', 'third']);
});

import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { processesOf } from '../../chaos/process-table';
import { RUNNING_TARGETS } from '../../chaos/schedule';
import type { Verdict } from '../../chaos/verdict';
import { eventually } from '../workflows/temporal-fixture';
import { writeTinyCampaign } from './campaign-stack';

// Two campaigns, their servers' first starts and seven recoveries beside whatever else the machine does.
jest.setTimeout(900_000);

const MAIN = join(__dirname, '..', '..', 'chaos', 'main.js');

let directory: string;
let campaign: string;
let out: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-chaos-test-'));
  campaign = writeTinyCampaign(directory);
  out = join(directory, 'out');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('seven kills, one of each process and one in the first start, change nothing', async () => {
  const chaos = spawn(process.execPath, ['--enable-source-maps', MAIN, '--kills', '7', '--seed', '3', '--campaign', campaign, '--out', out], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [printed, said] = ['', ''];
  chaos.stdout.on('data', (data: Buffer) => (printed += data.toString()));
  chaos.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const code = await new Promise((resolve) => chaos.once('close', resolve));
  const lastLine = printed.trimEnd().split('\n').at(-1);
  expect([lastLine, said]).toEqual([expect.stringMatching(/^7 kills, identical: true, recovery p50 [\d.]+ s p95 [\d.]+ s \(.*\), redone \d+ steps of training [\d.]+ s of at most [\d.]+ s, other work [\d.]+ s$/), said]);
  expect(code).toBe(0);
  const verdict = JSON.parse(readFileSync(join(out, 'chaos.json'), 'utf8')) as Verdict;
  expect(verdict).toMatchObject({ kills: 7, planned: 7, seed: 3, identical: true, findings: [] });
  expect(verdict.schedule.map(({ target }) => target).sort()).toEqual(['first-start', ...RUNNING_TARGETS].sort());
  expect(verdict.adapters).toBeGreaterThan(12);
  expect(verdict.histories).toBeGreaterThan(24);
  // The stacks are gone, their evidence was not needed.
  expect(readdirSync(out)).toEqual(['chaos.json']);
});

test('ended in the middle it leaves nothing running and nothing behind', async () => {
  const chaos = spawn(process.execPath, [MAIN, '--kills', '1', '--campaign', campaign, '--out', out], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  chaos.stderr.on('data', (data: Buffer) => (said += data.toString()));
  const ended = new Promise((resolve) => chaos.once('close', resolve));
  await eventually('its servers to run', () => existsSync(join(out, 'undisturbed', 'stack.json')), 120_000);
  chaos.kill('SIGINT');
  expect(await ended).toBe(1);
  expect(said).toContain('ended by SIGINT');
  expect(processesOf(out)).toEqual([]);
  expect(readdirSync(out)).toEqual([]);
});

test.each([
  [['--kills', '0'], '--kills: expected a whole number'],
  [['--kills', 'many'], '--kills: expected a whole number'],
  [['--seed', '-1'], 'npm run chaos: expected --kills N'],
  [['--seed'], 'npm run chaos: expected --kills N'],
  [['--speed', '1'], 'npm run chaos: expected --kills N'],
  [['more'], 'npm run chaos: expected --kills N'],
  [['--campaign', '/nowhere/campaign.yaml'], '/nowhere/campaign.yaml'],
  [['--out', ''], '--out: expected a path, got nothing'],
])('%j is refused in one line', (words, line) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...words], { encoding: 'utf8' });
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr.trimEnd().split('\n')).toEqual([expect.stringContaining(line)]);
});

import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CampaignClient } from '../../cli/campaign-client';
import { type ArtifactRef, type Manifest } from '../../campaign/artifacts';
import { packageRoot } from '../../infra/stack/package-root';
import { startStack, stopStack } from '../../infra/stack/stack';
import { keyPrefixes, manifestKeys } from '../../record/keys';
import type { ArtifactStore } from '../../storage/artifact-store';
import { openStoreFromEnvironment } from '../../storage/open-store';
import { runCommand } from './run-command';

/** Two short campaigns on one stack, their payloads encrypted: what is kept of them is looked at, and one of them is removed. */
jest.setTimeout(300_000);

const KEY = randomBytes(32).toString('base64');
const OTHER_KEY = randomBytes(32).toString('base64');
const HOUR_MS = 3600 * 1000;

let home: string;
let store: ArtifactStore;
const env = process.env;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'seal-records-'));
  const { TEMPORAL_ADDRESS: _temporal, S3_ENDPOINT: _s3, ...own } = env;
  process.env = { ...own, SEAL_HOME: home, SEAL_CODEC_KEYS: keys({ own: KEY }) };
  await startStack({ home, env: process.env, ports: { temporal: 0, ui: null, s3: 0 } });
  store = await openStoreFromEnvironment();
  const contexts = ['cat sat', 'dog ran'].map((context) => ({
    title: context.slice(0, 3),
    context: `the ${context}`,
    questions: [{ question: `who ${context.split(' ')[1]}`, answer: context.split(' ')[0] }],
    completions: [`the ${context}\na ${context}`, ''],
  }));
  writeFileSync(join(home, 'contexts.json'), JSON.stringify(contexts));
  await untilWorkerListens();
  const ends = await Promise.all(([['kept', 3], ['trial', 4]] as const).map(([id, seed]) => runCommand(['start', campaignFile(id, seed), '--id', id, '--wait'])));
  expect(ends.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
});
afterAll(async () => {
  store.close();
  await stopStack({ home });
  process.env = env;
  rmSync(home, { recursive: true, force: true });
});

function keys(own: Record<string, string>): string {
  return JSON.stringify({ active: Object.keys(own)[0], keys: own });
}

function campaignFile(name: string, seed: number): string {
  const file = join(home, `${name}.yaml`);
  writeFileSync(
    file,
    `name: ${name}
seed: ${seed}
model: ${join(packageRoot(), 'test', 'golden', 'models', 'tied-fp32')}
epochs: 1
contexts: { train: { path: contexts.json, take: 1 }, heldOut: { path: contexts.json, skip: 1 } }
proposals: { k: 2, source: recorded }
innerLoop: { rank: 2, alpha: 4, trainEpochs: 1, repeats: 1 }
reward: { grader: logprob }
mStep: { rank: 2, alpha: 4, trainEpochs: 1 }
evaluation: { baselines: [base] }
ledger: { pricePerHour: 36, currency: EUR }
`,
  );
  return file;
}

async function untilWorkerListens(): Promise<void> {
  const campaigns = await CampaignClient.connect();
  while (!(await campaigns.hasWorker())) await sleep(250);
  await campaigns.close();
}

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await runCommand([...args, '--json']);
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** Expects a command to be refused: exit code 2, nothing on stdout, one line on stderr. @returns the line */
async function refused(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCommand(args);
  expect({ args, exitCode, stdout, lines: stderr.split('\n').length }).toEqual({ args, exitCode: 2, stdout: '', lines: 2 });
  return stderr.trimEnd();
}

async function withKeys<Result>(value: string | undefined, body: () => Promise<Result>): Promise<Result> {
  const before = process.env['SEAL_CODEC_KEYS'];
  if (value === undefined) delete process.env['SEAL_CODEC_KEYS'];
  else process.env['SEAL_CODEC_KEYS'] = value;
  try {
    return await body();
  } finally {
    process.env['SEAL_CODEC_KEYS'] = before;
  }
}

async function namedBy(campaignId: string): Promise<ArtifactRef[]> {
  const manifests = await Promise.all((await store.list(keyPrefixes.record(campaignId))).map((key): Promise<Manifest> => store.readManifest(key)));
  return manifests.flatMap(({ files }) => Object.values(files));
}

async function missing(refs: readonly ArtifactRef[]): Promise<ArtifactRef[]> {
  const there = await Promise.all(refs.map((ref) => store.has(ref)));
  return refs.filter((_, i) => !there[i]);
}

describe('audit and export-history of a campaign whose payloads are encrypted', () => {
  const out = (): string => join(home, 'export');

  test('hold here and from an export, which needs no key to be written', async () => {
    expect(await json('audit', 'kept')).toMatchObject({ campaignId: 'kept', breaks: [], unchecked: [] });
    const written = await withKeys(undefined, () => json('export-history', 'kept', '--out', out(), '--artifacts'));
    expect(written).toMatchObject({ campaignId: 'kept', out: out(), problems: [] });
    for (const name of readdirSync(join(out(), 'histories'))) {
      if (name.endsWith('.history')) expect(readFileSync(join(out(), 'histories', name)).includes('binary/encrypted')).toBe(true);
    }
    expect(await json('audit', 'kept', '--from', out())).toMatchObject({ breaks: [], unchecked: [], histories: written['histories'], artifacts: written['artifacts'] });
  });

  test('name the key that is missing or another, in a line', async () => {
    for (const args of [['audit', 'kept'], ['audit', 'kept', '--from', out()]]) {
      expect(await withKeys(undefined, () => refused(...args))).toBe('SEAL_CODEC_KEYS: expected the key "own" that this payload was encrypted with, got no keys');
      expect(await withKeys(keys({ another: OTHER_KEY }), () => refused(...args))).toBe('SEAL_CODEC_KEYS: expected the key "own" that this payload was encrypted with, got the keys another');
      expect(await withKeys(keys({ own: OTHER_KEY }), () => refused(...args))).toBe('SEAL_CODEC_KEYS: expected the key "own" that this payload was encrypted with, got another key of that name');
    }
    const gone = join(home, 'no-keys.json');
    const line = `SEAL_CODEC_KEYS ${gone}: expected a readable file or directory of keys, got no such file`;
    expect(await withKeys(gone, () => refused('audit', 'kept'))).toBe(line);
    expect(await withKeys(gone, () => refused('export-history', 'kept', '--out', join(home, 'unwritten')))).toBe(line);
    expect(existsSync(join(home, 'unwritten'))).toBe(false);
  });

  test('refuse what is no whole export of that campaign, and end with 1 where something is not as recorded', async () => {
    expect(await refused('audit', 'nobody')).toMatch(/^campaign id: expected one with a record in .* \(see seal list\), got "nobody"$/);
    expect(await refused('export-history', 'nobody', '--out', join(home, 'unwritten'))).toMatch(/^campaign id: .* got "nobody"$/);
    expect(await refused('audit', 'trial', '--from', out())).toBe(`--from ${out()}: expected an export of trial, got one of kept`);
    expect(await refused('audit', 'kept', '--from', join(home, 'kept.yaml'))).toBe(`--from ${join(home, 'kept.yaml')}: expected a directory, got a file`);
    expect(await refused('audit', 'kept', '--from', join(out(), 'histories'))).toMatch(/^--from .*: expected a directory that "seal export-history" wrote, got one without export.json$/);
    expect(await refused('export-history', 'trial', '--out', out())).toMatch(/got an export of kept$/);
    expect(await refused('export-history', 'kept', '--out', home)).toMatch(/got one with other files$/);
    const half = join(home, 'half');
    mkdirSync(half);
    cpSync(join(out(), 'export.json'), join(half, 'export.json'));
    expect(await refused('audit', 'kept', '--from', half)).toBe(`${join(half, 'objects')}: expected the manifests of the export, got no such directory`);
    const [history] = readdirSync(join(out(), 'histories')).filter((name) => name.startsWith('kept~epoch-1.'));
    const file = join(out(), 'histories', history!);
    const bytes = readFileSync(file);
    bytes[bytes.length >> 1]! ^= 1;
    writeFileSync(file, bytes);
    const { exitCode, stdout, stderr } = await runCommand(['audit', 'kept', '--from', out(), '--json']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: 'kept: 1 break in its record\n' });
    expect(JSON.parse(stdout)).toMatchObject({ breaks: [{ kind: 'history-changed', what: `histories/${history}` }], error: { code: 'AUDIT_BREAK' } });
  });
});

test('the ledger is the same as JSON, CSV and text, and needs no key', async () => {
  const document = (await withKeys(undefined, () => json('ledger', 'kept', '--by', 'candidate'))) as {
    readonly ledger: Record<string, number>;
    readonly cost: unknown;
    readonly rows: readonly Record<string, number>[];
  };
  const { trainSeconds = 0, evaluateSeconds = 0, generateSeconds = 0, trainedTokens = 0 } = document.ledger;
  const sum = (field: string): number => document.rows.reduce((total, row) => total + row[field]!, 0);
  expect(trainedTokens).toBeGreaterThan(0);
  expect(sum('trainedTokens')).toBe(trainedTokens);
  expect(sum('trainSeconds')).toBeCloseTo(trainSeconds, 6);
  // 36 an hour are 0.01 a second.
  const amount = (trainSeconds + evaluateSeconds + generateSeconds) / 100;
  expect(document.cost).toEqual({ pricePerHour: 36, currency: 'EUR', amount: expect.closeTo(amount, 9) });
  expect(document.rows.map(({ name }) => name)).toContainEqual(expect.stringMatching(/^epoch-1\/[0-9a-f]{8}\/c1$/));

  const { stdout: csv } = await runCommand(['ledger', 'kept', '--by', 'candidate', '--csv']);
  const [header = '', ...records] = csv.trimEnd().split(/\r?\n/).map((line) => line.split(','));
  const column = (name: string): string[] => records.map((record) => record[header.indexOf(name)]!);
  expect(column('name')).toEqual(document.rows.map(({ name }) => name));
  expect(column('trained_tokens').map(Number)).toEqual(document.rows.map((row) => row['trainedTokens']));
  expect(column('cost').map(Number)).toEqual(document.rows.map(({ cost }) => cost));

  const { stdout: text } = await runCommand(['ledger', 'kept', '--price-per-hour', '3600', '--currency', 'CHF']);
  expect(text).toContain(`${trainedTokens} tokens trained`);
  expect(text).toContain('CHF');
  expect(text).not.toContain('EUR');

  expect(await refused('ledger', 'nobody')).toMatch(/^campaign id: expected .* got "nobody"$/);
  expect(await refused('ledger', 'kept', '--by', 'moon')).toBe('--by: expected one of worker, candidate, attempt, got "moon"');
  expect(await refused('ledger', 'kept', '--currency', 'CHF')).toBe('--currency: expected a price beside it (--price-per-hour), got none');
});

test('delete removes a campaign with what it alone names, and refuses what is not meant', async () => {
  const before = (await store.list('')).sort();
  expect(await refused('delete', 'nobody', '--yes')).toBe('campaign id: expected one that the server or the store knows (see seal list), got "nobody"');
  expect(await refused('delete', 'No Such', '--yes')).toMatch(/^campaign id: expected up to 63 lower-case letters/);
  expect(await refused('delete', 'trial')).toMatch(/^--yes: expected it, to remove trial with \d+ manifests for good, got nothing$/);
  expect(await refused('delete', 'trial', '--yes', '--why', ' ')).toBe('--why: expected a reason, got " "');
  expect((await store.list('')).sort()).toEqual(before);

  const [kept, trial] = [await namedBy('kept'), await namedBy('trial')];
  const shared = new Set(kept.map(({ sha256 }) => sha256));
  const own = trial.filter(({ sha256 }) => !shared.has(sha256));
  expect(own.length).toBeGreaterThan(0);
  expect(own.length).toBeLessThan(trial.length);
  const then = new Date(Date.now() - 3 * HOUR_MS);
  for (const { sha256 } of own) utimesSync(join(home, 'objects', 'seal', 'sha256', sha256), then, then);
  const deleted = await json('delete', 'trial', '--yes', '--by', 'anna', '--why', 'a trial');
  expect(deleted).toMatchObject({ campaignId: 'trial', left: 0, artifacts: new Set(own.map(({ sha256 }) => sha256)).size });
  expect(await store.list(keyPrefixes.record('trial'))).toEqual([]);
  expect(await missing(own)).toEqual(own);
  expect(await missing(kept)).toEqual([]);
  expect((await store.readManifest(String(deleted['tombstone']))).summary).toMatchObject({ campaignId: 'trial', by: 'anna', why: 'a trial' });
  expect(await refused('report', 'trial')).toMatch(/^campaign id: .* got "trial"$/);
});

test('gc removes old artifacts that nothing names, and never what a manifest names', async () => {
  const put = (text: string): Promise<ArtifactRef> => store.put(Buffer.from(text), 'text/plain');
  const [young, old] = [await put('on its way'), await put('left by an attempt that was killed')];
  const folder = join(home, 'objects', 'seal', 'sha256');
  const kept = await namedBy('kept');
  const then = new Date(Date.now() - 30 * HOUR_MS);
  for (const { sha256 } of [old, ...kept]) utimesSync(join(folder, sha256), then, then);

  expect(await refused('gc', '--grace-hours', '1')).toBe('--grace-hours: expected a whole number of at least 2, got "1"');
  expect(await refused('gc', 'kept')).toBe('arguments: expected 0 arguments, got 1');
  expect(await json('gc', '--dry-run')).toMatchObject({ dryRun: true, artifacts: 1, sizeBytes: old.sizeBytes, young: 1 });
  expect(await missing([old])).toEqual([]);
  expect(await json('gc')).toMatchObject({ dryRun: false, artifacts: 1, sizeBytes: old.sizeBytes, young: 1 });
  expect(await missing([young, old, ...kept])).toEqual([old]);
  expect(await json('audit', 'kept')).toMatchObject({ breaks: [], unchecked: [] });

  const manifest = join(home, 'objects', 'seal', manifestKeys.method('kept', 'base'));
  writeFileSync(manifest, 'not a manifest');
  const blind = await runCommand(['gc', '--json']);
  expect(JSON.parse(blind.stdout)).toEqual({ error: expect.objectContaining({ message: expect.stringMatching(/as long as nobody knows what it names, nothing is removed/) }) });
  expect(blind.exitCode).toBe(1);
});

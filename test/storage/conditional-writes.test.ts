import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toFailure } from '../../activities/execution/failure';
import type { CampaignClient } from '../../cli/campaign-client';
import type { PreparedCampaign } from '../../cli/prepare-campaign';
import { startCampaign } from '../../cli/start-campaign';
import { checkConditionalWrites } from '../../storage/conditional-writes';
import { createMemoryStore } from '../../storage/memory-store';
import { openS3Store } from '../../storage/open-store';
import { runCommand } from '../cli/run-command';
import { manifestOf } from './artifact-store-contract';
import { type Conditions, type ConditionalServer, startConditionalServer } from './conditional-server';

jest.setTimeout(60_000);

const CREDENTIALS = { accessKeyId: 'key', secretAccessKey: 'secret' };
const EXPECTED = 'expected a store with conditional writes (If-None-Match), got ';
const before = process.env;

let home: string;
let server: ConditionalServer | undefined;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'seal-conditional-'));
});
afterEach(async () => {
  process.env = before;
  await server?.stop();
  server = undefined;
  rmSync(home, { recursive: true });
});

async function serve(conditions: Conditions): Promise<ConditionalServer> {
  server = await startConditionalServer(conditions);
  const clean = Object.fromEntries(Object.entries(before).filter(([name]) => !/^(TEMPORAL|S3|AWS|SEAL)_/.test(name)));
  const keys = { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret', AWS_EC2_METADATA_DISABLED: 'true' };
  process.env = { ...clean, ...keys, SEAL_HOME: join(home, 'home'), S3_ENDPOINT: server.endpoint };
  return server;
}

const unfit: [string, Conditions, string][] = [
  ['that answers 501', [501, 'NotImplemented'], '501 NotImplemented: it is told why'],
  ['that answers 405', [405, 'MethodNotAllowed'], '405 MethodNotAllowed: it is told why'],
  ['that answers 400 NotImplemented', [400, 'NotImplemented'], '400 NotImplemented: it is told why'],
  ['that takes the header for a mistake', [400, 'InvalidArgument'], 'InvalidArgument: it is told why'],
  ['that ignores the header', 'ignored', 'a second write of the same key that was accepted'],
  ['that looks first and writes later', 'raced', '8 of 8 simultaneous writes of the same key accepted'],
  ['that refuses every conditional write', 'always', 'a first write of a key that was refused'],
  ['that refuses a write and does it', 'refused-but-done', 'a second write of the same key that was refused and yet done'],
];

test.each(unfit)('a store %s has no conditional writes, and nothing of the canaries stays', async (_, conditions, got) => {
  const { endpoint, keys } = await serve(conditions);
  const store = await openS3Store({ endpoint, bucket: 'seal', credentials: CREDENTIALS, attempts: 1 });
  const error: unknown = await checkConditionalWrites(store).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'BadInputError', message: expect.stringContaining(`bucket seal at ${endpoint}: ${EXPECTED}`) as string });
  expect((error as Error).message).toContain(got);
  expect(keys()).toEqual([]);
  store.close();
});

test('a store that heeds the header has them, and nothing of the canaries stays', async () => {
  const { endpoint, keys, writes } = await serve('heeded');
  const store = await openS3Store({ endpoint, bucket: 'seal', credentials: CREDENTIALS, attempts: 1 });
  await checkConditionalWrites(store);
  expect(writes()).toBe(10);
  expect(keys()).toEqual([]);
  store.close();
  const memory = createMemoryStore();
  await checkConditionalWrites(memory);
  expect(await memory.list('')).toEqual([]);
});

test('a campaign does not wait for a store that answers 501 to a manifest', async () => {
  const { endpoint, writes } = await serve([501, 'NotImplemented']);
  const store = await openS3Store({ endpoint, bucket: 'seal', credentials: CREDENTIALS });
  const error: unknown = await store.publish('campaigns/c/one.json', manifestOf('one')).catch((thrown: unknown) => thrown);
  expect(toFailure(error, false)).toMatchObject({ type: 'BadInputError', nonRetryable: true, message: `bucket seal at ${endpoint}: ${EXPECTED}501 NotImplemented: it is told why` });
  expect(writes()).toBe(1);
  store.close();
});

describe.each([unfit[0]!, unfit[4]!])('a store %s is refused in one line with exit code 2', (_, conditions, got) => {
  const line = (): string => `bucket seal at ${server?.endpoint}: ${EXPECTED}${got}\n`;

  test('by up, which starts nothing', async () => {
    await serve(conditions);
    expect(await runCommand(['up'])).toEqual({ exitCode: 2, stdout: '', stderr: line() });
    expect(existsSync(join(home, 'home'))).toBe(false);
  });

  test('by the doctor, beside all else that it says', async () => {
    await serve(conditions);
    const { exitCode, stdout, stderr } = await runCommand(['doctor']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: line() });
    expect(stdout).toContain(`missing  S3 conditional writes: ${line()}`);
    expect(stdout).toContain('ok       S3 access: granted');
    const json = JSON.parse((await runCommand(['doctor', '--json'])).stdout) as { ok: boolean; checks: object[]; error: object };
    expect(json).toMatchObject({ ok: false, error: { code: 'BAD_INPUT', message: line().trim() } });
    expect(json.checks).toContainEqual(expect.objectContaining({ name: 'S3 conditional writes', ok: false }));
  });

  test('by start, which stores and starts nothing', async () => {
    const { keys } = await serve(conditions);
    const start = jest.fn();
    const campaigns = { refuseRunning: () => Promise.resolve(), refuseForeignKeys: () => Promise.resolve(), start } as unknown as CampaignClient;
    const started = startCampaign(campaigns, 'c', {} as PreparedCampaign);
    await expect(started).rejects.toMatchObject({ name: 'BadInputError', message: line().trim() });
    expect(start).not.toHaveBeenCalled();
    expect(keys()).toEqual([]);
  });
});

test('the doctor is content with a store that has them', async () => {
  const { keys } = await serve('heeded');
  const { stdout } = await runCommand(['doctor', '--json']);
  expect((JSON.parse(stdout) as { checks: object[] }).checks).toContainEqual({ name: 'S3 conditional writes', ok: true, detail: 'one winner of several writes', advice: null });
  expect(keys()).toEqual([]);
});

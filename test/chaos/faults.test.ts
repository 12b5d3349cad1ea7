import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { differences, resultOf, unreadableArtifacts } from '../../chaos/committed';
import { waitingActivities } from '../../cli/waiting-activities';
import { StoreFailedError } from '../../campaign/errors';
import { OwnProcesses } from '../../infra/stack/own-process';
import { ensureWorker, stopWorker } from '../../infra/stack/worker';
import { canMount, mountSmallDisk, type SmallDisk } from '../storage/small-disk';
import { eventually } from '../workflows/temporal-fixture';
import { CampaignStack } from './campaign-stack';
import { FaultyProxy } from './faulty-proxy';
import { RefusingProxy } from './refusing-proxy';

// A campaign a test, each with a fault of some seconds, beside whatever else the machine does.
jest.setTimeout(600_000);

const LIMIT_MS = 300_000;
/** Longer than FAST_TIMINGS' heartbeat timeout: what runs is given up and done again. */
const FAULT_MS = 8_000;
const STORE_KIBIBYTES = 64 * 1024;

let stack: CampaignStack;
let disk: SmallDisk | undefined;

beforeAll(async () => {
  stack = await CampaignStack.start('faults', (home) => {
    const file = join(home, 'campaign.yaml');
    writeFileSync(file, readFileSync(file, 'utf8').replace('epochs: 2', 'epochs: 1'));
    if (canMount) disk = mountSmallDisk(join(home, 'objects'), STORE_KIBIBYTES);
  });
  const undisturbed = stack.startWorker();
  await (await stack.startCampaign('undisturbed')).ended;
  await undisturbed.end('SIGTERM');
});
afterAll(() => stack.stop(() => disk?.unmount()));

/** Runs a campaign on a supervised worker; in the middle of its epoch `disturb` does something and undoes it. */
async function runDisturbed(campaignId: string, env: Readonly<Record<string, string>>, disturb: () => Promise<void>): Promise<void> {
  const processes = new OwnProcesses(stack.home);
  const servers = { TEMPORAL_ADDRESS: stack.temporalAddress, TEMPORAL_NAMESPACE: stack.status.temporal!.namespace, SEAL_HOME: stack.home, ...env };
  await ensureWorker({ home: stack.home, processes, env: process.env, servers });
  const ended = (await stack.startCampaign(campaignId)).ended.catch((error: unknown) => {
    throw new Error(`${String(error)}\n${readFileSync(processes.logFile('worker'), 'utf8').slice(-3000)}`);
  });
  let over = false;
  void ended.catch(() => undefined).finally(() => (over = true));
  await eventually('the first candidates to be scored', async () => over || (await stack.recordsOf(campaignId)) >= 1, LIMIT_MS);
  expect(await stack.recordsOf(campaignId)).toBeLessThan(12);
  await disturb();
  await ended;
  await stopWorker(processes);
  const committed = await stack.committed(campaignId);
  expect(differences(await stack.committed('undisturbed'), committed, resultOf)).toEqual([]);
  expect(await unreadableArtifacts(stack.store, committed)).toEqual([]);
}

/** Expects that nothing more is published for some seconds. */
async function expectStandstill(campaignId: string): Promise<void> {
  await sleep(2_000);
  const keys = await stack.store.list(`campaigns/${campaignId}/`);
  await sleep(FAULT_MS - 2_000);
  expect(await stack.store.list(`campaigns/${campaignId}/`)).toEqual(keys);
}

const ifMounted = canMount ? test : test.skip;

ifMounted('a store that is full for a while (needs a mount)', async () => {
  await runDisturbed('full', {}, async () => {
    disk!.fill();
    await expect(stack.store.put(Buffer.alloc(100_000, 1), 'text/plain')).rejects.toThrow(StoreFailedError);
    await expectStandstill('full');
    disk!.empty();
  });
});

ifMounted('a store that is read-only for a while (needs a mount)', async () => {
  await runDisturbed('read-only', {}, async () => {
    await eventually('the store to become read-only', becomesReadOnly, LIMIT_MS);
    await expect(stack.store.put(Buffer.from('refused'), 'text/plain')).rejects.toThrow(StoreFailedError);
    await expectStandstill('read-only');
    disk!.setReadOnly(false);
  });
});

/** Refused while a file is being written. */
function becomesReadOnly(): boolean {
  try {
    disk!.setReadOnly(true);
    return true;
  } catch (error) {
    if (typeof (error as { status?: unknown }).status !== 'number') throw error;
    return false;
  }
}

test('a store that answers a few bytes at a time', async () => {
  const proxy = await FaultyProxy.to(stack.s3Endpoint);
  await runDisturbed('slow', stack.storeAt(`http://${proxy.address}`), async () => {
    const [before, startedMs] = [proxy.passedBytes, performance.now()];
    proxy.set({ kind: 'trickle', bytesPerSecond: 10_000 });
    await sleep(FAULT_MS);
    const seconds = (performance.now() - startedMs) / 1000;
    const passed = proxy.passedBytes - before;
    expect(passed).toBeGreaterThan(0);
    // Several connections share no limit.
    expect(passed / seconds).toBeLessThan(500_000);
    proxy.set({ kind: 'none' });
  });
  await proxy.close();
});

test('a store that cannot be reached for a while', async () => {
  const proxy = await FaultyProxy.to(stack.s3Endpoint);
  await runDisturbed('unreachable', stack.storeAt(`http://${proxy.address}`), async () => {
    proxy.set({ kind: 'cut' });
    await expectStandstill('unreachable');
    proxy.set({ kind: 'none' });
  });
  await proxy.close();
});

test('a store that refuses the worker for a while, by a policy and then by its keys', async () => {
  const proxy = await RefusingProxy.to(stack.s3Endpoint);
  await runDisturbed('refused', stack.storeAt(proxy.endpoint), async () => {
    for (const refusal of [{ status: 403, code: 'AccessDenied' }, { status: 400, code: 'ExpiredToken' }]) {
      proxy.refusal = refusal;
      await eventually(`a campaign that is seen to wait for ${refusal.code}`, async () => {
        const waiting = await waitingActivities(stack.client, 'refused');
        return waiting.some(({ failure, message }) => failure === 'StoreRefusedError' && message.includes(`got ${refusal.code} for `));
      }, LIMIT_MS);
    }
    await expectStandstill('refused');
    proxy.refusal = null;
  });
  await proxy.close();
});

test('a network between worker and server that is cut, comes back, loses everything, and comes back', async () => {
  const proxy = await FaultyProxy.to(stack.temporalAddress);
  await runDisturbed('network', { TEMPORAL_ADDRESS: proxy.address }, async () => {
    for (const kind of ['cut', 'silent'] as const) {
      const passed = proxy.passedBytes;
      proxy.set({ kind });
      await sleep(FAULT_MS);
      expect(proxy.passedBytes).toBe(passed);
      proxy.set({ kind: 'none' });
      await eventually('the worker to speak to its server again', () => proxy.passedBytes > passed, LIMIT_MS);
    }
  });
  await proxy.close();
});

test('a clock that jumps an hour ahead, two back, and is set right', async () => {
  const file = join(stack.home, 'clock');
  writeFileSync(file, '0');
  const preload = `--require ${join(__dirname, 'shifted-clock.js')}`;
  await runDisturbed('clock', { NODE_OPTIONS: preload, SEAL_TEST_CLOCK_FILE: file }, async () => {
    for (const hours of [1, -1, 0]) {
      writeFileSync(file, String(hours * 3_600_000));
      await eventually(`an activity to be done ${hours} h ahead`, () => doneHoursAhead() === hours, LIMIT_MS);
    }
  });
});

/** How far ahead the clock was, in hours, by which the worker noted its last finished activity. */
function doneHoursAhead(): number {
  const lines = readFileSync(new OwnProcesses(stack.home).logFile('worker'), 'utf8').split('\n');
  const { time } = JSON.parse(lines.findLast((line) => line.includes('"activity done"')) ?? '{"time":0}') as { time: string };
  return Math.round((Date.parse(time) - Date.now()) / 3_600_000);
}

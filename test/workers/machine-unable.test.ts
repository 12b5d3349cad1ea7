import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { campaignStatus } from '../../cli/campaign-status';
import type { WaitingActivities } from '../../cli/waiting-activities';
import { eventually } from '../workflows/temporal-fixture';
import type { WorkerProcess } from '../workflows/worker-process';
import { FleetStack } from './fleet-stack';

// Campaigns with a real engine beside whatever else the machine does.
jest.setTimeout(600_000);
const LIMIT_MS = 240_000;
const HEALTH = '127.0.0.1:47913';

/** One path that is another directory for each process: that is what makes "machines" of them, here on Linux only. */
const MODEL = '/proc/self/cwd/model';
const onLinux = process.platform === 'linux' ? test : test.skip;

const stack = new FleetStack();
const before = process.cwd();
beforeAll(async () => {
  await stack.start();
  const campaign = readFileSync(join(stack.home, 'campaign.yaml'), 'utf8').replace(/^model: .*$/m, `model: ${MODEL}`);
  writeFileSync(join(stack.home, 'anywhere.yaml'), campaign);
  process.chdir(stack.home);
});
afterAll(async () => {
  process.chdir(before);
  await stack.stop();
});

/** A worker on a machine that has the model, or has it not. */
function worker(machine: string, queues: string, hasModel: boolean, env: Readonly<Record<string, string>> = {}): WorkerProcess {
  const directory = join(stack.home, `${machine}-files`);
  mkdirSync(directory);
  if (hasModel) putModel(machine);
  return stack.worker(machine, queues, env, directory);
}

function putModel(machine: string): void {
  symlinkSync(join(stack.home, 'model'), join(stack.home, `${machine}-files`, 'model'));
}

async function waitingFor(campaignId: string): Promise<WaitingActivities> {
  let seen: WaitingActivities[] = [];
  await eventually('the campaign to say what it waits for', async () => (seen = await stack.campaigns.waiting(campaignId)).some(({ failure }) => failure === 'MachineUnableError'), LIMIT_MS);
  return seen.find(({ failure }) => failure === 'MachineUnableError')!;
}

async function ready(): Promise<{ readonly status: number; readonly work: unknown }> {
  const response = await fetch(`http://${HEALTH}/readyz`);
  return { status: response.status, work: ((await response.json()) as { readonly work: unknown }).work };
}

const MISSING = `${MODEL}: expected the model pinned at start, with config.json, got no such directory`;

onLinux('a campaign whose model no worker has waits and says for what, loses no candidate, and goes on once the model is there', async () => {
  const only = worker('only', 'orchestration,bookkeeping,compute', false, { SEAL_HEALTH_ADDRESS: HEALTH });
  await stack.startCampaign('waits', 'anywhere.yaml');
  expect((await waitingFor('waits')).message).toBe(MISSING);
  expect(await ready()).toEqual({ status: 503, work: { ok: false, detail: `missing for some work: ${MISSING}` } });
  expect(await campaignStatus(stack.campaigns, 'waits')).toMatchObject({ state: 'running', candidates: { failed: 0 } });
  putModel('only');
  await stack.result('waits');
  expect(await campaignStatus(stack.campaigns, 'waits')).toMatchObject({ state: 'completed', candidates: { failed: 0 } });
  expect(await only.end('SIGTERM')).toBe('exit 0');
});

onLinux('a worker without the model leaves a campaign to one that has it: no candidate is lost', async () => {
  worker('bare', 'orchestration,bookkeeping,compute', false);
  await stack.startCampaign('shared', 'anywhere.yaml');
  await waitingFor('shared');
  const able = worker('able', 'bookkeeping,compute', true);
  await stack.result('shared');
  expect(await campaignStatus(stack.campaigns, 'shared')).toMatchObject({ state: 'completed', candidates: { failed: 0 } });
  expect(new Set((await stack.work('shared')).map((work) => work.worker))).toEqual(new Set([able.identity]));
  expect(await stack.results('shared')).toEqual(await stack.results('waits'));
});

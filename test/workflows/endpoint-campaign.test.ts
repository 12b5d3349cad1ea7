import { CampaignRecord } from '../../audit/campaign-record';
import { checkLineage } from '../../audit/check-lineage';
import { checkRewards } from '../../audit/check-rewards';
import { Findings } from '../../audit/findings';
import type { CampaignInput } from '../../campaign/campaign';
import { collectReport } from '../../activities';
import { knowledgeDomain } from '../../seal/domains/knowledge/domain';
import { createMemoryStore } from '../../storage/memory-store';
import { ActivityFixture, promptEndpoints } from '../activities/activity-fixture';
import { storedTexts } from '../activities/stored-texts';
import { type Behaviour, chat, cutBody, json, MisbehavingServer, refusal } from '../endpoint/misbehaving-server';
import { FAST_TIMINGS } from './campaign-input';
import { fakeActivities } from './fake-activities';
import { cancelUpdate } from '../../workflows/messages';
import { eventually, TemporalFixture } from './temporal-fixture';
import { DOMAINS } from '../../seal/domains/registry';

jest.setTimeout(120_000);

const KEY = 'sk-campaign-0123456789abcdef';

let temporal: TemporalFixture;
let server: MisbehavingServer;
const fixtures: ActivityFixture[] = [];
beforeAll(async () => {
  [temporal, server] = await Promise.all([TemporalFixture.start(), MisbehavingServer.start()]);
});
afterAll(async () => {
  await Promise.all([temporal.stop(), server.stop()]);
  fixtures.forEach((made) => made.remove());
});

/** Real activities, a fake language model, an endpoint that writes and judges. */
async function campaign(campaignId: string, environment: Record<string, string>): Promise<{ made: ActivityFixture; input: CampaignInput }> {
  const made = new ActivityFixture(createMemoryStore(), promptEndpoints(environment));
  fixtures.push(made);
  const endpoint = { url: server.url, apiKeyVariable: 'SOME_API_KEY' };
  const input = await made.input(campaignId, {
    proposals: { k: 2, source: 'endpoint', endpoint: { ...endpoint, model: 'writer' } },
    reward: { grader: 'judge', judge: { ...endpoint, model: 'judge' } },
    evaluation: { baselines: ['base', 'self-edits', 'endpoint'] },
  });
  return { made, input: { ...input, timings: FAST_TIMINGS } };
}

/** Writes a fact with the seed's number, or judges letters. */
const helpful: Behaviour = chat(({ body }) => {
  if (body['model'] === 'writer') return `Fact ${String(body['seed'])}.`;
  const [, gold, answer] = /Correct answer: (.*)\nAnswer: (.*)\n/.exec((body['messages'] as { content: string }[])[0]!.content) ?? [];
  return gold === answer ? 'yes' : 'no';
});

function run(made: ActivityFixture, input: CampaignInput) {
  // Its activities were given no server to read histories from.
  const archiveHistories = fakeActivities().activities.archiveHistories;
  return temporal.withActivities({ ...made.activities, archiveHistories }, async () => (await temporal.start(input)).result());
}

async function reported({ store }: ActivityFixture, campaignId: string) {
  return (await collectReport(store, campaignId, 'completed', 0, DOMAINS)).report;
}

async function histories(campaignId: string): Promise<string[]> {
  const { client } = temporal.environment;
  const texts: string[] = [];
  for await (const { workflowId } of client.workflow.list({ query: `SealCampaign = '${campaignId}'` })) {
    const history = await client.workflow.getHandle(workflowId).fetchHistory();
    texts.push(JSON.stringify(history, (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : value)));
  }
  return texts;
}

test('a campaign whose endpoint misbehaves on the way ends with the rewards of one whose endpoint does not', async () => {
  server.behave([refusal(429, 'slow down', { 'retry-after': '1' }), json(500, ''), cutBody, json(200, '<html>')], helpful);
  const rough = await campaign('rough', { SOME_API_KEY: KEY });
  const result = await run(rough.made, rough.input);
  expect(result.state).toBe('completed');
  const report = await reported(rough.made, 'rough');
  expect(report.methods.map(({ name, grader }) => [name, grader])).toEqual([
    ['base', 'judge'],
    ['self-edits', 'judge'],
    ['endpoint', 'judge'],
    ['seal-epoch-1', 'judge'],
  ]);
  const writer = server.requests.filter(({ body }) => body['model'] === 'writer');
  // Three training contexts with two self-edits each, two held-out ones with one; what failed was asked again.
  expect(new Set(writer.map(({ body }) => JSON.stringify(body))).size).toBe(6 + 2);
  // The held-out self-edits of the policy are its own.
  expect(rough.made.controls.generates.filter(({ temperature }) => temperature === 1)).toHaveLength(2);

  server.behave([], helpful);
  const smooth = await campaign('smooth', { SOME_API_KEY: KEY });
  await run(smooth.made, smooth.input);
  const same = await reported(smooth.made, 'smooth');
  expect(same.epochs).toEqual(report.epochs);
  expect(same.methods).toEqual(report.methods);

  // Raw answers, verdicts and evaluations fit together.
  expect((await rough.made.store.list('campaigns/rough/')).some((key) => key.includes('/raw-answers/'))).toBe(true);
  const findings = new Findings();
  const record = await CampaignRecord.read(rough.made.store, 'rough', true, findings);
  await checkLineage(record, await record.input(), findings);
  await checkRewards(record, (await record.input())!, knowledgeDomain, findings);
  expect(findings.breaks).toEqual([]);

  const told = [...(await histories('rough')), ...(await storedTexts(rough.made.store))];
  expect(told.filter((text) => text.includes('SOME_API_KEY')).length).toBeGreaterThan(1);
  expect(told.filter((text) => text.includes(KEY))).toEqual([]);
});

/** What the campaign's workflow waits for, as the server tells it. */
async function waitsFor(campaignId: string, text: string): Promise<boolean> {
  const { client } = temporal.environment;
  for await (const { workflowId } of client.workflow.list({ query: `SealCampaign = '${campaignId}' AND ExecutionStatus = 'Running'` })) {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    if ((raw.pendingActivities ?? []).some(({ lastFailure }) => lastFailure?.message?.includes(text) === true)) return true;
  }
  return false;
}

test('a wrong key is waited for with one clear line, and is in no history; with another key the campaign goes on', async () => {
  server.behave([], refusal(401, `Incorrect API key provided: ${KEY}`));
  const { made, input } = await campaign('locked-out', { SOME_API_KEY: KEY });
  const running = run(made, input);
  await eventually('the refusal to be waited for', () => waitsFor('locked-out', '401 Unauthorized: the key is missing, wrong or not allowed to use this model'), 60_000);
  const told = await histories('locked-out');
  expect([...told, ...(await storedTexts(made.store))].filter((text) => text.includes(KEY))).toEqual([]);
  server.behave([], helpful);
  expect((await running).state).toBe('completed');
});

test('a worker without the key computes nothing, and its campaign waits', async () => {
  server.behave([], helpful);
  const { made, input } = await campaign('keyless', {});
  const running = run(made, input);
  await eventually('the key to be waited for', () => waitsFor('keyless', 'expected a key in the environment variable SOME_API_KEY of the worker, got nothing'), 60_000);
  await temporal.environment.client.workflow.getHandle('keyless').executeUpdate(cancelUpdate, { args: [{ by: 'tester', why: 'no key' }] });
  expect((await running).state).toBe('cancelled');
  expect(server.requests).toHaveLength(0);
  expect(made.controls.generates).toHaveLength(0);
});

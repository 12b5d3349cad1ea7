import { CampaignRecord } from '../../audit/campaign-record';
import { checkLineage } from '../../audit/check-lineage';
import { checkRewards } from '../../audit/check-rewards';
import { Findings } from '../../audit/findings';
import type { CampaignInput } from '../../contracts/campaign';
import { createMemoryStore } from '../../storage/memory-store';
import { ActivityFixture, promptEndpoints } from '../activities/activity-fixture';
import { storedTexts } from '../activities/stored-texts';
import { type Behaviour, chat, cutBody, json, MisbehavingServer, refusal } from '../endpoint/misbehaving-server';
import { FAST_TIMINGS } from './campaign-input';
import { fakeActivities } from './fake-activities';
import { TemporalFixture } from './temporal-fixture';

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
  expect(result.methods.map(({ name, grader }) => [name, grader])).toEqual([
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
  const same = await run(smooth.made, smooth.input);
  expect(same.epochs).toEqual(result.epochs);
  expect(same.methods).toEqual(result.methods);

  // Raw answers, verdicts and evaluations fit together.
  expect((await rough.made.store.list('campaigns/rough/')).some((key) => key.includes('/raw-answers/'))).toBe(true);
  const findings = new Findings();
  const record = await CampaignRecord.read(rough.made.store, 'rough', true, findings);
  await checkLineage(record, await record.input(), findings);
  await checkRewards(record, (await record.input())!, findings);
  expect(findings.breaks).toEqual([]);

  const told = [...(await histories('rough')), ...(await storedTexts(rough.made.store))];
  expect(told.filter((text) => text.includes('SOME_API_KEY')).length).toBeGreaterThan(1);
  expect(told.filter((text) => text.includes(KEY))).toEqual([]);
});

test('a wrong key ends the campaign at once with one clear line, and the key is in no history', async () => {
  server.behave([], refusal(401, `Incorrect API key provided: ${KEY}`));
  const { made, input } = await campaign('locked-out', { SOME_API_KEY: KEY });
  await expect(run(made, input)).rejects.toMatchObject({
    cause: { message: expect.stringContaining('reward.judge: judge at') as string, type: 'CampaignFailed' },
  });
  expect(server.requests.length).toBeLessThanOrEqual(4);
  const told = await histories('locked-out');
  expect(told.filter((text) => text.includes('401 Unauthorized: the key is missing, wrong or not allowed to use this model'))).not.toHaveLength(0);
  expect([...told, ...(await storedTexts(made.store))].filter((text) => text.includes(KEY))).toEqual([]);
});

test('a worker without the key ends the campaign before it computes anything', async () => {
  server.behave([], helpful);
  const { made, input } = await campaign('keyless', {});
  await expect(run(made, input)).rejects.toMatchObject({
    cause: { message: expect.stringContaining('expected a key in the environment variable SOME_API_KEY of the worker, got nothing') as string },
  });
  expect(server.requests).toHaveLength(0);
  expect(made.controls.generates).toHaveLength(0);
});

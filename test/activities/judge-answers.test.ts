import type { AdaptationScope, PinnedCampaign, UnadaptedTask } from '../../activities/activity-types';
import { manifestSha256 } from '../../record/document-type';
import { type Answer, groupAnswersFile } from '../../record/documents/candidates';
import { manifestKeys } from '../../record/keys';
import { createMemoryStore } from '../../storage/memory-store';
import { type Behaviour, chat, choice, json, MisbehavingServer, UNUSABLE } from '../endpoint/misbehaving-server';
import { type ActivityFixture, promptEndpoints, removedFixtures } from './activity-fixture';
import { storedTexts } from './stored-texts';
import { unadaptedScores } from './unadapted-scores';

const KEY = 'sk-judge-0123456789abcdef';

let server: MisbehavingServer;
beforeAll(async () => {
  server = await MisbehavingServer.start();
});
afterAll(() => server.stop());

const newFixture = removedFixtures();
function fixture(store = createMemoryStore()): ActivityFixture {
  return newFixture(store, promptEndpoints({ JUDGE_API_KEY: KEY }));
}

function pin(made: ActivityFixture, concurrency = 2, settings: object = {}): Promise<PinnedCampaign> {
  const judge = { url: server.url, model: 'strict-judge', apiKeyVariable: 'JUDGE_API_KEY', concurrency, retries: 1, ...settings };
  return made.pin('c', { reward: { grader: 'judge', judge } });
}

const prompt = (body: Record<string, unknown>): string => (body['messages'] as { content: string }[])[0]!.content;

/** A judge that compares letter by letter, in words of its own. */
const fair: Behaviour = chat(({ body }) => {
  const [, gold, answer] = /Correct answer: (.*)\nAnswer: (.*)\n/.exec(prompt(body)) ?? [];
  return gold === answer ? 'Yes.' : 'No, it is another one.';
});

function taskOf(campaign: PinnedCampaign): UnadaptedTask {
  return { campaign, scope: 'evaluation/base', split: 'heldOut', policy: null, contextsPerChunk: 16, chunk: 1 };
}

/** Asks the policy, then the judge. */
async function evaluateBase(made: ActivityFixture, task: UnadaptedTask): Promise<void> {
  await made.run('evaluateBase', task);
  await made.run('gradeBase', task);
}

async function evaluate(made: ActivityFixture, campaign: PinnedCampaign): Promise<{ reward: number; answers: readonly Answer[] }> {
  const scope: AdaptationScope = await made.proposed(campaign);
  const task = { scope, group: { from: 0, to: 4 }, repeat: 1, repeats: 1 };
  await made.run('fineTuneAdapters', task);
  expect(await made.run('evaluateAdapters', task)).toEqual({ members: [] });
  const { reward } = (await made.run('gradeAdapters', task)).members[0]!;
  const key = (await made.store.list('campaigns/c/epoch-1/')).find((one) => one.endsWith('/c1/r1/evaluation.json'))!;
  const manifest = await made.store.readManifest(key);
  expect(manifest.lineage.settings).toMatchObject({ grader: 'judge', judge: { model: 'strict-judge', url: server.url } });
  const group = await groupAnswersFile.get(made.store, manifest.files['answers.json']!);
  return { reward: reward!, answers: group.flatMap(({ answers }) => answers) };
}

test('verdicts are the marks, stored with the answers under the name of their judge', async () => {
  const made = fixture();
  const campaign = await pin(made);
  server.behave([], (response, request) => setTimeout(() => fair(response, request), 10));
  const { reward, answers } = await evaluate(made, campaign);
  expect(answers).toHaveLength(16);
  for (const { goldAnswer, answer, score, verdict } of answers) {
    expect(score).toBe(goldAnswer === answer ? 1 : 0);
    expect(verdict).toEqual({ model: 'strict-judge', reply: score === 1 ? 'Yes.' : 'No, it is another one.' });
  }
  expect(new Set(answers.map(({ score }) => score))).toEqual(new Set([0, 1]));
  expect(reward).toBe(answers.slice(0, 4).reduce((sum, { score }) => sum + score, 0) / 4);
  expect(server.requests[0]?.body).toMatchObject({ model: 'strict-judge', temperature: 0, max_tokens: 2048 });
  expect(server.mostAtOnce).toBe(2);
});

test('the same question, gold answer and answer are asked once, and never again in the campaign', async () => {
  const store = createMemoryStore();
  const made = fixture(store);
  const campaign = await pin(made);
  server.behave([], fair);
  const { answers } = await evaluate(made, campaign);
  const triples = new Set(answers.map(({ question, goldAnswer, answer }) => JSON.stringify([question, goldAnswer, answer])));
  expect(server.requests).toHaveLength(triples.size);
  // The unadapted policy may give an answer that is known; only others are asked.
  server.behave([], fair);
  const unadapted = { ...taskOf(campaign), split: 'train' } as const;
  await evaluateBase(made, { ...unadapted, scope: 'epoch-1' });
  const asked = server.requests.map(({ body }) => prompt(body));
  // The same policy answers the same, in another epoch too.
  await evaluateBase(made, { ...unadapted, scope: 'epoch-2' });
  expect(server.requests).toHaveLength(asked.length);
  expect(new Set(asked).size).toBe(asked.length);
  const verdicts = await store.list('campaigns/c/verdicts/');
  expect(verdicts).toHaveLength(triples.size + asked.length);
});

test('an attempt after a judge that broke off asks for the rest only', async () => {
  const store = createMemoryStore();
  const made = fixture(store);
  const campaign = await pin(made, 1);
  const task = taskOf(campaign);
  server.behave([fair, fair, fair], json(500, 'down'));
  await expect(evaluateBase(made, task)).rejects.toMatchObject({ type: 'EndpointFailedError', nonRetryable: true, message: expect.stringContaining('reward.judge: strict-judge at') as string });
  expect(await store.findManifest(manifestKeys.unadapted('c', 'evaluation/base', 1))).toBeNull();
  const known = (await store.list('campaigns/c/verdicts/')).length;
  expect(known).toBe(3);
  server.behave([], fair);
  await evaluateBase(made, task);
  expect(await unadaptedScores(store, task)).toHaveLength(2);
  expect(server.requests).toHaveLength(5);
});

test.each<[string, Behaviour, number]>([
  ['yes', chat('yes'), 1],
  ['ambiguous', chat('yes and no'), 0],
  ['thinking aloud before it says yes', choice({ content: '<think>\nNo? The key is salt.\n</think>\n\nYes' }), 1],
  ['neither', chat('The answer is right.'), 0],
])('a judge that is %s', async (_, behaviour, score) => {
  const made = fixture();
  const campaign = await pin(made);
  server.behave([], behaviour);
  await evaluateBase(made, taskOf(campaign));
  expect(await unadaptedScores(made.store, taskOf(campaign))).toEqual([score, score]);
});

const CUT = ['cut off', choice({ content: 'Yes, since' }, { finish_reason: 'length' }), '200 with a reply that was cut off by its limit of LIMIT tokens; a model that reasons needs more: raise FIELD'] as const;

test.each([...UNUSABLE, CUT])('a judge whose reply is %s has given no verdict: nothing is stored, and it says why', async (_, behaviour, said) => {
  const made = fixture();
  const campaign = await pin(made, 1);
  server.behave([], behaviour);
  await expect(evaluateBase(made, taskOf(campaign))).rejects.toMatchObject({
    type: 'EndpointFailedError',
    message: expect.stringContaining(`2 attempts, the last: ${said.replace('LIMIT', '2048').replace('FIELD', 'reward.judge.maxNewTokens')}`) as string,
  });
  expect(await made.store.list('campaigns/c/verdicts/')).toEqual([]);
  // Once it is well, it is asked again.
  server.behave([], chat('yes'));
  await evaluateBase(made, taskOf(campaign));
  expect(await unadaptedScores(made.store, taskOf(campaign))).toEqual([1, 1]);
});

test.each<[string, string, number | null]>([
  ['after its verdict', 'no\n\nQuestion: What else? yes', 0],
  ['within its line', ' yes, bec', null],
  ['before it', ' The answer\nis ri', null],
])('a base model that is cut off %s', async (_, text, score) => {
  const made = fixture();
  const campaign = await pin(made, 1, { protocol: 'completions', maxNewTokens: 16 });
  server.behave([], json(200, { choices: [{ text, finish_reason: 'length' }] }));
  const evaluating = evaluateBase(made, taskOf(campaign));
  if (score === null) await expect(evaluating).rejects.toMatchObject({ type: 'EndpointFailedError' });
  else {
    await evaluating;
    expect(await unadaptedScores(made.store, taskOf(campaign))).toEqual([score, score]);
  }
});

test('a verdict of a model that takes no temperature is told from one at 0', async () => {
  const made = fixture();
  const campaign = await pin(made, 1);
  server.behave([], (response, request) => ('temperature' in request.body ? json(400, { error: { message: 'no', param: 'temperature', code: 'unsupported_value' } }) : chat('yes'))(response, request));
  await evaluateBase(made, taskOf(campaign));
  const keys = await made.store.list('campaigns/c/verdicts/');
  expect(keys).not.toHaveLength(0);
  for (const key of keys) expect((await made.store.readManifest(key)).lineage.settings['sent']).toEqual({ max_tokens: 2048 });
});

test('the key is nowhere in the store', async () => {
  const made = fixture();
  const campaign = await pin(made);
  server.behave([], chat(({ headers }) => `yes ${JSON.stringify(headers)}`));
  await evaluate(made, campaign);
  expect((await storedTexts(made.store)).filter((text) => text.includes(KEY))).toEqual([]);
});

test('a judge that is down costs no computation: the answers wait for it in the store', async () => {
  const made = fixture();
  const campaign = await pin(made, 1);
  server.behave([], json(500, 'down'));
  await expect(evaluate(made, campaign)).rejects.toMatchObject({ type: 'EndpointFailedError' });
  const generated = made.controls.generates.length;
  server.behave([], fair);
  const { answers } = await evaluate(made, campaign);
  expect(answers).toHaveLength(16);
  expect(made.controls.generates).toHaveLength(generated);
  // The evaluation names the answers that it grades.
  const [key] = await made.store.list('campaigns/c/epoch-1/raw-answers/');
  const evaluations = (await made.store.list('campaigns/c/epoch-1/')).filter((one) => one.endsWith('/evaluation.json'));
  const rawAnswers = manifestSha256(await made.store.readManifest(key!));
  for (const one of evaluations) expect((await made.store.readManifest(one)).lineage.inputs).toMatchObject({ rawAnswers });
});

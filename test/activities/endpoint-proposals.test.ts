import type { PinnedCampaign, ProposalTask } from '../../activities/activity-types';
import { type WorkRecord, workRecords } from '../../record/documents/work';
import { manifestKeys } from '../../record/keys';
import { hashBytes } from '../../storage/content-hash';
import { createMemoryStore } from '../../storage/memory-store';
import { chat, choice, json, MisbehavingServer, refusal, UNUSABLE } from '../endpoint/misbehaving-server';
import { activityEnvironment, type ActivityFixture, promptEndpoints, removedFixtures } from './activity-fixture';
import { storedSelection } from './stored-selection';
import { storedTexts } from './stored-texts';

const KEY = 'sk-test-0123456789abcdef';

let server: MisbehavingServer;
beforeAll(async () => {
  server = await MisbehavingServer.start();
});
afterAll(() => server.stop());

const newFixture = removedFixtures();
function fixture(store = createMemoryStore(), environment: Record<string, string> = { WRITER_API_KEY: KEY }): ActivityFixture {
  return newFixture(store, promptEndpoints(environment));
}

const spec = (endpoint: object = {}): Record<string, unknown> => ({
  proposals: { k: 2, source: 'endpoint', endpoint: { url: server.url, model: 'writer', apiKeyVariable: 'WRITER_API_KEY', concurrency: 1, retries: 0, ...endpoint } },
});

function taskOf(campaign: PinnedCampaign): ProposalTask & { readonly chunk: number } {
  return { campaign, scope: 'epoch-1', split: 'train', policy: null, source: 'endpoint', perContext: 2, contextsPerChunk: 8, chunk: 1 };
}

/** What the scope's candidates are made from. */
async function proposals(made: ActivityFixture, campaign: PinnedCampaign): Promise<{ contextId: string; candidate: number; text: string }[]> {
  const { proposals: ref } = await made.run('collectProposals', taskOf(campaign));
  return JSON.parse(Buffer.from(await made.store.get(ref)).toString()) as Awaited<ReturnType<typeof proposals>>;
}

test('an endpoint writes each self-edit with the prompt, sampling and seed of the campaign', async () => {
  const made = fixture();
  const campaign = await made.pin('c', spec());
  server.behave([], chat(({ body }) => `Fact of seed ${String(body['seed'])}.`));
  await made.run('proposeSelfEdits', taskOf(campaign));
  const [{ spent, seconds }] = (await workRecords(made.store, 'c')) as [WorkRecord];
  expect(spent).toMatchObject({ generatedTokens: 18, trainedTokens: 0, generateSeconds: seconds });
  expect(server.requests.map(({ body }) => body)).toEqual(
    expect.arrayContaining([
      {
        model: 'writer',
        messages: [{ role: 'user', content: 'List facts that follow from this passage.\n\nPassage:\ntown 0\nPassage 0 of town.\n\nImplications:\n' }],
        max_tokens: 2048,
        temperature: 1,
        top_p: 0.95,
        seed: expect.any(Number) as number,
      },
    ]),
  );
  const seeds = new Set(server.requests.map(({ body }) => body['seed']));
  expect(seeds.size).toBe(6);
  expect(made.controls.generates).toHaveLength(0);
  const list = await proposals(made, campaign);
  expect(list.map(({ candidate }) => candidate)).toEqual([1, 2, 1, 2, 1, 2]);
  expect(new Set(list.map(({ text }) => text))).toEqual(new Set([...seeds].map((seed) => `Fact of seed ${String(seed)}.`)));
});

test('what has arrived is never asked for again, by this attempt or by another worker', async () => {
  const store = createMemoryStore();
  const first = fixture(store);
  const campaign = await first.pin('c', spec());
  server.behave([chat('One.'), chat('Two.'), chat('Three.')], json(500, 'down'));
  await expect(first.run('proposeSelfEdits', taskOf(campaign))).rejects.toMatchObject({ type: 'EndpointFailedError', nonRetryable: true });
  // Three answers and the failure: it ends the others, which were waiting.
  expect(server.requests).toHaveLength(4);
  server.behave([], chat('Later.'));
  const second = fixture(store);
  await second.run('proposeSelfEdits', taskOf(campaign));
  expect(server.requests).toHaveLength(3);
  server.behave([]);
  await second.run('proposeSelfEdits', taskOf(campaign));
  expect(server.requests).toHaveLength(0);
  const list = await proposals(second, campaign);
  expect(list.map(({ text }) => text)).toEqual(['One.', 'Two.', 'Three.', 'Later.', 'Later.', 'Later.']);
});

test('of two attempts at once the first stored answer counts for both', async () => {
  const store = createMemoryStore();
  const [one, two] = [fixture(store), fixture(store)];
  const campaign = await one.pin('c', spec());
  let answers = 0;
  server.behave([], chat(() => `Answer ${(answers += 1)}.`));
  await Promise.all([one, two].map((made) => made.run('proposeSelfEdits', taskOf(campaign))));
  expect(answers).toBeGreaterThan(6);
  const list = await proposals(one, campaign);
  for (const { contextId, candidate, text } of list) {
    const manifest = await store.readManifest(manifestKeys.endpointAnswer('c', 'epoch-1', contextId, candidate));
    expect(JSON.parse(Buffer.from(await store.get(manifest.files['answer.json']!)).toString())).toMatchObject({ text });
  }
  expect(await proposals(two, campaign)).toEqual(list);
});

test('reasoning is no part of a self-edit', async () => {
  const made = fixture();
  const campaign = await made.pin('c', spec());
  server.behave([], choice({ content: '<think>\nThe passage tells of a town.\n</think>\n\nThe town has a gate.', reasoning_content: 'Which town?' }));
  await made.run('proposeSelfEdits', taskOf(campaign));
  expect(new Set((await proposals(made, campaign)).map(({ text }) => text))).toEqual(new Set(['The town has a gate.']));
});

test('a self-edit that the endpoint cut off is kept and marked', async () => {
  const made = fixture();
  const campaign = await made.pin('c', spec());
  server.behave([choice({ content: 'The town has a gate.\nThe town' }, { finish_reason: 'length' })], chat('The town has a gate.'));
  await made.run('proposeSelfEdits', taskOf(campaign));
  const stored = await Promise.all(
    (await proposals(made, campaign)).map(async ({ contextId, candidate }) => {
      const manifest = await made.store.readManifest(manifestKeys.endpointAnswer('c', 'epoch-1', contextId, candidate));
      expect(manifest.lineage.settings['sent']).toEqual({ max_tokens: 2048, temperature: 1, top_p: 0.95, seed: manifest.lineage.seed });
      return JSON.parse(Buffer.from(await made.store.get(manifest.files['answer.json']!)).toString()) as { text: string; isCutOff: boolean };
    }),
  );
  expect(stored.filter(({ isCutOff }) => isCutOff).map(({ text }) => text)).toEqual(['The town has a gate.\nThe town']);
  expect(stored).toHaveLength(6);
});

test.each(UNUSABLE)('a self-edit that is %s is no self-edit: an attempt that failed, with its reason', async (_, behaviour, said) => {
  const made = fixture();
  const campaign = await made.pin('c', spec());
  server.behave([], behaviour);
  await expect(made.run('proposeSelfEdits', taskOf(campaign))).rejects.toMatchObject({
    type: 'EndpointFailedError',
    message: expect.stringContaining(said.replace('LIMIT', '2048').replace('FIELD', 'proposals.maxNewTokens')) as string,
  });
  expect(await made.store.list('campaigns/c/epoch-1/')).toEqual([]);
});

test('a temperature that the endpoint refuses ends the activity with its field', async () => {
  const made = fixture();
  const campaign = await made.pin('c', { proposals: { ...(spec()['proposals'] as object), temperature: 0.7 } });
  server.behave([], json(400, { error: { message: 'Only 1 is supported', param: 'temperature', code: 'unsupported_value' } }));
  await expect(made.run('proposeSelfEdits', taskOf(campaign))).rejects.toMatchObject({
    type: 'BadInputError',
    message: `proposals.temperature: expected a temperature that writer at ${server.url}/chat/completions takes, as most likely 1, got 0.7, refused with 400 Bad Request: Only 1 is supported`,
  });
  expect(server.requests).toHaveLength(1);
});

test('a refusal ends the activity for good, and the requests that wait with it', async () => {
  const made = fixture();
  const campaign = await made.pin('c', spec());
  server.behave([], refusal(404, 'no such model'));
  await expect(made.run('proposeSelfEdits', taskOf(campaign))).rejects.toMatchObject({
    type: 'BadInputError',
    nonRetryable: true,
    message: `proposals.endpoint: writer at ${server.url}/chat/completions: expected an answer, got 404 Not Found: no such model`,
  });
  expect(server.requests).toHaveLength(1);
});

test('a worker whose key is refused leaves the work to others', async () => {
  const made = fixture();
  const campaign = await made.pin('c', spec());
  server.behave([], refusal(401, `Incorrect API key provided: ${KEY}`));
  await expect(made.run('proposeSelfEdits', taskOf(campaign))).rejects.toMatchObject({
    type: 'MachineUnableError',
    nonRetryable: false,
    message: `proposals.endpoint: writer at ${server.url}/chat/completions: expected an answer, got 401 Unauthorized: the key is missing, wrong or not allowed to use this model`,
  });
  expect(server.requests).toHaveLength(1);
});

test('a worker without the key says so before anything is computed, and leaves the work to others', async () => {
  const made = fixture(createMemoryStore(), { OTHER_API_KEY: KEY });
  await expect(made.pin('c', spec())).rejects.toMatchObject({
    type: 'MachineUnableError',
    nonRetryable: false,
    message: 'proposals.endpoint.apiKeyVariable: expected a key in the environment variable WRITER_API_KEY of the worker, got nothing',
  });
  const baseline = { proposals: { k: 2, endpoint: { url: server.url, model: 'w', apiKeyVariable: 'WRITER_API_KEY' } } };
  await expect(made.pin('d', { ...baseline, evaluation: { baselines: ['endpoint'] } })).rejects.toMatchObject({ type: 'MachineUnableError' });
  // Named, but not used.
  await made.pin('e', baseline);
});

test('a cancelled activity stops asking', async () => {
  const made = fixture();
  const campaign = await made.pin('c', spec());
  const environment = activityEnvironment();
  server.behave([], () => environment.cancel());
  await expect(made.run('proposeSelfEdits', taskOf(campaign), environment)).rejects.toMatchObject({ name: 'CancelledFailure' });
  expect(server.requests).toHaveLength(1);
});

test('a self-edit that the policy could not learn is rejected, not trained on hours later', async () => {
  const made = fixture();
  const campaign = await made.pin('c', spec());
  server.behave([chat(Array.from({ length: 20 }, (_, i) => `The town has ${i} gates.`).join('\n'))], chat('The town has a gate.'));
  const scope = await proposed(made, campaign);
  expect(await made.run('validateSelfEdit', { scope, position: 0 })).toEqual({
    accepted: false,
    reason: 'with its prompt 117 tokens, too many for the policy to learn it: its context is 64',
  });
  expect(await made.run('validateSelfEdit', { scope, position: 1 })).toEqual({ accepted: true });
});

async function proposed(made: ActivityFixture, campaign: PinnedCampaign) {
  const task = taskOf(campaign);
  await made.run('proposeSelfEdits', task);
  const { proposals } = await made.run('collectProposals', task);
  return { ...task, rows: { kind: 'proposals' as const, proposals } };
}

test('a template is what is asked and learnt, and every record that follows from it names its hash', async () => {
  const made = fixture();
  const template = 'Passage about {title}:\n{context}\nNotes:\n';
  const { sha256 } = hashBytes(Buffer.from(template));
  const campaign = await made.pin('c', spec(), template);
  server.behave([], chat('The town has a gate.'));
  const scope = await proposed(made, campaign);
  const prompt = 'Passage about town 0:\nPassage 0 of town.\nNotes:\n';
  expect(server.requests[0]?.body['messages']).toEqual([{ role: 'user', content: prompt }]);
  await made.run('trainPolicy', await storedSelection(made.store, { campaign, epoch: 1, proposals: scope.rows.proposals, kept: [0] }));
  // Special tokens are parsed in the template's own parts, not in title and passage.
  const parseSpecial = [[0, 14], [20, 22], [prompt.indexOf('\nNotes'), prompt.length]];
  expect(made.controls.fineTunes.at(-1)?.jobs[0]?.rows).toEqual([{ prompt, parseSpecial, completion: 'The town has a gate.', endsWithEos: true }]);
  const pinned = await made.store.readManifest(manifestKeys.campaign('c'));
  expect(pinned.lineage.inputs['template']).toBe(sha256);
  expect(pinned.files['template.txt']?.sha256).toBe(sha256);
  for (const key of await made.store.list('campaigns/c/epoch-1/')) {
    const { kind, lineage } = await made.store.readManifest(key);
    if (kind === 'proposals-chunk' || kind === 'endpoint-answer') expect(lineage.inputs['template']).toBe(sha256);
  }
  // The policy samples with it too.
  await made.run('proposeSelfEdits', { ...taskOf(campaign), scope: 'epoch-2', source: 'policy' });
  expect(made.controls.generates.at(-1)?.groups[0]?.rows[0]).toMatchObject({ prompt, parseSpecial });
  // Another text under the same id is another campaign.
  await expect(made.pin('c', spec(), `${template}\n`)).rejects.toMatchObject({ type: 'BadInputError' });
});

test('the key is nowhere in the store, even where the server writes it into a self-edit', async () => {
  const made = fixture();
  const campaign = await made.pin('c', spec());
  server.behave([], chat(({ headers }) => `The town has ${String(headers.authorization)}.`));
  await proposed(made, campaign);
  const texts = await storedTexts(made.store);
  expect(texts.filter((text) => text.includes('The town has Bearer [key].'))).not.toHaveLength(0);
  expect(texts.filter((text) => text.includes(KEY))).toEqual([]);
  expect(texts.filter((text) => text.includes('WRITER_API_KEY'))).not.toHaveLength(0);
});

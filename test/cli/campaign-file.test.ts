import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { campaignFileSchema, documentedFields, schemaFields } from '../../cli/campaign-schema';
import { prepareCampaign } from '../../cli/prepare-campaign';
import { readYamlFile } from '../../cli/yaml-file';
import * as boundedFile from '../../engine/files/bounded-file';
import { campaignSpecSchema } from '../../campaign/campaign-spec';
import { runCommand } from './run-command';

const ROOT = join(__dirname, '..', '..', '..');
const MODEL = join(ROOT, 'test', 'golden', 'models', 'tied-fp32');
const read = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');

describe('docs/campaign-file.md', () => {
  const documented = documentedFields(read('docs', 'campaign-file.md'));

  it('documents every field of the schema, and no other', () => {
    expect(documented.map(({ field }) => field).sort()).toEqual(schemaFields().map(({ field }) => field).sort());
  });

  it.each(schemaFields().filter(({ defaultValue }) => defaultValue !== undefined))('states the default of $field', ({ field, defaultValue }) => {
    const stated = documented.find((entry) => entry.field === field)?.defaultText;
    const shown = Array.isArray(defaultValue) ? `[${defaultValue.map((entry) => (entry === 1e-6 ? '0.000001' : String(entry))).join(', ')}]` : String(defaultValue);
    expect(stated).toBe(`\`${shown}\``);
  });

  it('has the schema for editors up to date', () => {
    // node dist/cli/campaign-schema.js > docs/campaign-file.schema.json
    expect(JSON.parse(read('docs', 'campaign-file.schema.json'))).toEqual(JSON.parse(JSON.stringify(campaignFileSchema(read('docs', 'campaign-file.md')))));
  });
});

describe('shipped campaign files', () => {
  const directory = join(ROOT, 'examples', 'campaigns');
  it.each(readdirSync(directory).filter((name) => name.endsWith('.yaml')))('%s is valid', (name) => {
    expect(readYamlFile(join(directory, name), campaignSpecSchema).value.name).toBe(name.replace('.yaml', ''));
  });

  it.each(readdirSync(directory).filter((name) => name.endsWith('.yaml')))('%s says its grader, so that no default changes its figures', (name) => {
    expect(read('examples', 'campaigns', name)).toMatch(/^\s*(?:reward: \{ )?grader: /m);
  });
});

test('answers in sentences are not graded by equality unless the file says so: the default grader is tokens', () => {
  expect(schemaFields().find(({ field }) => field === 'reward.grader')?.defaultValue).toBe('tokens');
});

test('the example with an endpoint can be started: its template is found and names what it fills in', async () => {
  const { spec, template } = await prepareCampaign(join(ROOT, 'examples', 'campaigns', 'endpoint.yaml'));
  expect(spec.proposals.endpoint).toMatchObject({ protocol: 'chat', timeoutSeconds: 60, retries: 5 });
  expect(spec.reward.judge).toMatchObject({ protocol: 'chat', timeoutSeconds: 120, maxNewTokens: 2048 });
  expect(template).toBe(read('examples', 'campaigns', 'endpoint-prompt.txt'));
});

describe('a wrong campaign file', () => {
  let directory: string;
  let file: string;
  const context = (title: string, extra: object = {}): object => ({
    title,
    context: `${title} is a town`,
    questions: [{ question: 'what is it', answer: 'town' }],
    ...extra,
  });
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'seal-campaign-'));
    file = join(directory, 'c.yaml');
    const json = (name: string, value: unknown): void => writeFileSync(join(directory, name), JSON.stringify(value, null, 1));
    json('towns.json', ['A', 'B', 'C', 'D'].map((title) => context(title)));
    json('recorded.json', [context('A', { completions: ['one'] })]);
    json('no-questions.json', [context('A'), context('B', { questions: [] })]);
    json('long.json', [context('A', { context: 'word '.repeat(400) })]);
    writeFileSync(join(directory, 'broken.json'), '[\n{"title": "A"},\n{"title" "B"}\n]\n');
    writeFileSync(join(directory, 'w.yaml'), 'seed: 5\n');
    writeFileSync(join(directory, 'unknown.txt'), 'About {title}:\n{passage}\n');
    writeFileSync(join(directory, 'empty.txt'), 'About {title}:\n');
    writeFileSync(join(directory, 'long.txt'), `${'word '.repeat(400)}{context}\n`);
    writeFileSync(join(directory, 'good.txt'), '{context}');
    mkdirSync(join(directory, 'empty'));
    cpSync(MODEL, join(directory, 'endless'), { recursive: true });
    for (const name of ['config.json', 'generation_config.json']) {
      const path = join(directory, 'endless', name);
      const { eos_token_id: _eos, ...rest } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
      writeFileSync(path, JSON.stringify(rest));
    }
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  const lines = (over: Record<string, string> = {}): string =>
    Object.entries({
      name: 'towns',
      seed: '1',
      model: MODEL,
      epochs: '1',
      contexts: '{ train: { path: towns.json, take: 2 }, heldOut: { path: towns.json, skip: 2 } }',
      ...over,
    })
      .map(([key, value]) => `${key}: ${value}\n`)
      .join('');

  const table: readonly (readonly [what: string, yaml: string, line: string])[] = [
    ['an unknown key', lines({ sed: '2' }), 'c.yaml:6: sed: expected one of the keys name, seed, model, domain, mode, epochs, contexts, proposals, innerLoop, reward, selection, mStep, evaluation, limits, ledger, compute, concurrency, got an unknown key'],
    ['an unknown key of a section', lines({ innerLoop: '\n  rank: 4\n  rang: 4' }), 'c.yaml:8: innerLoop.rang: expected one of the keys rank, alpha, targets, rsLora, rankPattern, alphaPattern, dropout, trainEpochs, learningRate, batch, accumulation, gradientCheckpointing, schedule, warmupSteps, clipNorm, weightDecay, lossOn, includePassage, repeats, maxSteps, got an unknown key'],
    ['a missing field', lines().replace(/^seed.*\n/m, ''), 'c.yaml: seed: expected a number, got nothing'],
    ['a text for a number', lines({ seed: 'one' }), 'c.yaml:2: seed: expected a number, got "one"'],
    ['half an epoch', lines({ epochs: '1.5' }), 'c.yaml:4: epochs: expected a whole number, got 1.5'],
    ['a value out of range', lines({ innerLoop: '{ learningRate: 2 }' }), 'c.yaml:6: innerLoop.learningRate: expected a number of at most 1, got 2'],
    ['a value at an open bound', lines({ innerLoop: '{ learningRate: 0 }' }), 'c.yaml:6: innerLoop.learningRate: expected a number above 0, got 0'],
    ['an unknown grader', lines({ reward: '{ grader: gpt }' }), 'c.yaml:6: reward.grader: expected one of exact, contains, f1, tokens, logprob, judge, got "gpt"'],
    ['an unknown projection', lines({ innerLoop: '{ targets: [q] }' }), 'c.yaml:6: innerLoop.targets[0]: expected one of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, got "q"'],
    ['targets that are no modules', lines({ innerLoop: '{ targets: all-liner }' }), 'c.yaml:6: innerLoop.targets: expected modules of the model, such as q_proj or model.layers.0.self_attn.q_proj, got "all-liner", which is none of them'],
    ['a pattern for what is not adapted', lines({ mStep: '{ targets: [q_proj], rankPattern: { v_proj: 4 } }' }), 'c.yaml:6: mStep.rankPattern: expected keys that match adapted modules, got "v_proj", which matches none'],
    ['a pattern that is none', lines({ innerLoop: '{ alphaPattern: { "(q_proj": 4 } }' }), 'c.yaml:6: innerLoop.alphaPattern: expected regular expressions of module names, got "(q_proj", which cannot be read as one'],
    ['a list for a section', lines({ proposals: '[]' }), 'c.yaml:6: proposals: expected an object with keys, got an empty list'],
    ['a name with capitals', lines({ name: 'Towns' }), 'c.yaml:1: name: expected lower-case letters, digits and hyphens, got "Towns"'],
    ['two sources of contexts', lines({ contexts: '{ train: { path: towns.json, world: w.yaml }, heldOut: { path: towns.json } }' }), 'c.yaml:5: contexts.train: expected exactly one of path and world, got an object'],
    ['more kept than proposed', lines({ proposals: '{ k: 2 }', selection: '{ keep: 3 }' }), 'c.yaml:7: selection.keep: expected at most proposals.k, which is 2, got 3'],
    ['bounds the wrong way round', lines({ limits: '{ learningRate: [0.1, 0.01] }' }), 'c.yaml:6: limits.learningRate: expected the lower bound first, got [0.1, 0.01]'],
    ['an endpoint that is not named', lines({ proposals: '{ source: endpoint }' }), 'c.yaml:6: proposals.endpoint: expected url and model of an endpoint, for proposals.source: endpoint, got nothing'],
    ['a baseline without its endpoint', lines({ evaluation: '{ baselines: [endpoint] }' }), 'c.yaml: proposals.endpoint: expected url and model of an endpoint, for the endpoint baseline, got nothing'],
    ['a judge that is not named', lines({ reward: '{ grader: judge }' }), 'c.yaml:6: reward.judge: expected url and model of an endpoint, for reward.grader: judge, got nothing'],
    ['an address that is none', lines({ reward: '{ grader: judge, judge: { url: "host/v1", model: m } }' }), 'c.yaml:6: reward.judge.url: expected an http or https address without user, password and fragment, and without a query but ?api-version=VERSION, got "host/v1"'],
    ['a key in the file', lines({ reward: '{ grader: judge, judge: { url: "https://host/v1", model: m, apiKey: sk-1 } }' }), 'c.yaml:6: reward.judge.apiKey: expected one of the keys url, model, apiKeyVariable, protocol, concurrency, timeoutSeconds, retries, maxNewTokens, got an unknown key'],
    ['a variable that is no key\'s', lines({ reward: '{ grader: judge, judge: { url: "https://host/v1", model: m, apiKeyVariable: HOME } }' }), 'c.yaml:6: reward.judge.apiKeyVariable: expected the name of an environment variable that ends in API_KEY, got "HOME"'],
    ['a prompt and a template', lines({ proposals: '{ prompt: none, template: good.txt }' }), 'c.yaml:6: proposals.template: expected a prompt or a template, got both'],
    ['no template', lines({ proposals: '{ template: none.txt }' }), 'none.txt: expected a readable file, got no such file'],
    ['a template with a placeholder nobody fills', lines({ proposals: '{ template: unknown.txt }' }), 'unknown.txt:2: expected no placeholder but {title} and {context}, got {passage}'],
    ['a template without the passage', lines({ proposals: '{ template: empty.txt }' }), 'empty.txt: expected the placeholder {context}, where the passage goes, got a template without it'],
    ['a template too long for the model', lines({ proposals: '{ template: long.txt }' }), 'contexts.train: "A": expected a prompt for self-edits of at most 128 tokens (the model\'s context is 128, limits.maxRowTokens 2048), got 1212'],
    ['a baseline twice', lines({ evaluation: '{ baselines: [base, base] }' }), 'c.yaml:6: evaluation.baselines: expected each baseline once, got base twice'],
    ['YAML that is none', 'name: [towns\nseed: 1\n', 'c.yaml:2: expected YAML, got Flow sequence in block collection must be sufficiently indented and end with a ]'],
    ['a key twice', lines() + 'seed: 2\n', 'c.yaml:6: expected YAML, got Map keys must be unique'],
    ['no mapping at all', '- 1\n', 'c.yaml: expected an object with keys, got [1]'],
    ['no model', lines({ model: 'empty' }), 'c.yaml:3: model: empty/config.json: expected a readable JSON file, got no such file'],
    ['a model that has nothing to end a row with', lines({ model: 'endless' }), 'model: expected a model with eos_token_id in its config.json, got none'],
    ['no passages', lines({ contexts: '{ train: { path: none.json }, heldOut: { path: towns.json } }' }), 'none.json: expected a readable file, got no such file'],
    ['malformed passages', lines({ contexts: '{ train: { path: broken.json }, heldOut: { path: towns.json } }' }), "broken.json:3: expected JSON, got expected ':' after property name"],
    ['a passage without questions', lines({ contexts: '{ train: { path: no-questions.json }, heldOut: { path: towns.json } }' }), 'no-questions.json: [1].questions: expected a list of at least one {question, answer}, got an empty list'],
    ['a passage too long for the model', lines({ contexts: '{ train: { path: long.json }, heldOut: { path: towns.json, skip: 1 } }' }), 'contexts.train: "A": expected text to train on of at most 128 tokens (the model\'s context is 128, limits.maxRowTokens 2048), got 1205'],
    ['more passages than there are', lines({ contexts: '{ train: { path: towns.json, take: 9 }, heldOut: { path: towns.json } }' }), 'c.yaml:5: contexts.train.take: expected at most the 4 passages that the file has after skip, got 9'],
    ['all passages skipped', lines({ contexts: '{ train: { path: towns.json, skip: 4 }, heldOut: { path: towns.json } }' }), 'c.yaml:5: contexts.train.skip: expected less than the 4 passages of the file, got 4'],
    ['a passage on both sides', lines({ contexts: '{ train: { path: towns.json, take: 3 }, heldOut: { path: towns.json, skip: 2 } }' }), 'c.yaml:5: contexts.heldOut: expected passages that contexts.train does not have, got "C" in both'],
    ['too few recorded self-edits', lines({ contexts: '{ train: { path: recorded.json }, heldOut: { path: towns.json, skip: 1 } }', proposals: '{ source: recorded, k: 2 }' }), 'c.yaml:5: contexts.train: "A": expected at least 2 recorded completions, for proposals.source: recorded, got 1'],
    ['an oracle nobody wrote', lines({ evaluation: '{ baselines: [oracle] }' }), 'c.yaml:5: contexts.heldOut: "C": expected something to train on, for the oracle baseline, got nothing'],
    ['a world without an end', lines({ contexts: '{ train: { world: w.yaml }, heldOut: { world: w.yaml, take: 1 } }' }), 'c.yaml:5: contexts.train.take: expected how many contexts of the world to take, got nothing'],
  ];

  it('is not what is read twice: campaign file, passages and template are each read once, also where one file has both splits', async () => {
    writeFileSync(file, lines({ proposals: '{ template: good.txt }' }));
    const read = jest.spyOn(boundedFile, 'readBoundedFile');
    try {
      await prepareCampaign(file);
      const names = read.mock.calls.map(([path]) => path.replace(`${directory}/`, ''));
      expect(names.filter((name) => !name.startsWith(MODEL))).toEqual(['c.yaml', 'towns.json', 'good.txt']);
    } finally {
      read.mockRestore();
    }
  });

  it.each(table)('%s', async (_what, yaml, line) => {
    writeFileSync(file, yaml);
    const { exitCode, stdout, stderr } = await runCommand(['start', file]);
    expect({ stderr: stderr.replaceAll(`${directory}/`, ''), stdout, exitCode }).toEqual({ stderr: `${line}\n`, stdout: '', exitCode: 2 });
  });
});

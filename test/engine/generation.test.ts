import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { BadInputError } from '../../campaign/errors';
import type { GenerateRequest, GeneratedRow } from '../../campaign/language-model';
import { startComputeProcess } from '../../engine/runtime/compute-client';
import { implicationsPrompt } from '../../seal/domains/knowledge/prompts';
import { worldContexts } from '../../seal/domains/knowledge/world/contexts';
import { worldSpecSchema } from '../../seal/domains/knowledge/world/world-spec';
import { goldenAdapter, goldenFor, goldenModel } from '../golden/golden-values';

jest.setTimeout(120_000);

/** Trained, so that its answers end by themselves and leave no doubt about the greedy token; a context of 2048 tokens. */
const nano = join(__dirname, '../../../examples/nano/model');
const languageModel = startComputeProcess({ threads: 1 });
afterAll(() => languageModel.close());

type Options = Partial<Omit<GenerateRequest, 'groups'>>;

async function generateGroups(groups: GenerateRequest['groups'], options: Options = {}): Promise<readonly (readonly GeneratedRow[])[]> {
  return (await languageModel.generate({ modelDirectory: nano, maxNewTokens: 24, temperature: 0, topP: 1, ...options, groups })).groups;
}

/** On the base; each row draws with its own seed. */
async function generate(prompts: readonly string[], options: Options = {}): Promise<readonly GeneratedRow[]> {
  const [rows = []] = await generateGroups([{ adapterDirectory: null, rows: prompts.map((prompt, seed) => ({ prompt, seed })) }], options);
  return rows;
}

/** What each prompt gives when it is asked alone. */
async function alone(prompts: readonly string[], options: Options = {}, adapterDirectory: string | null = null): Promise<GeneratedRow[]> {
  const rows: GeneratedRow[] = [];
  for (const [seed, prompt] of prompts.entries()) rows.push(...((await generateGroups([{ adapterDirectory, rows: [{ prompt, seed }] }], options))[0] ?? []));
  return rows;
}

const world = worldSpecSchema.parse(parse(readFileSync(join(nano, '../world.yaml'), 'utf8')));
const contexts = worldContexts(world, 'train', 560, 4);
/** Passages to write about; the answers are of many lengths. */
const proposals = contexts.map(({ title, context }) => implicationsPrompt(title, context));
/** Several prompts of one passage. */
const questions = contexts.slice(0, 2).flatMap(({ title, context, questions: asked }) => asked.slice(0, 5).map(({ question }) => `${implicationsPrompt(title, context)}\n${question}`));

describe('rows that are run together', () => {
  test('answer as each does alone: prompts of any length, ends at any time', async () => {
    const prompts = [...proposals, ...questions.slice(0, 2), 'a', ...proposals];
    const options = { maxNewTokens: 120, temperature: 1 };
    const together = await generate(prompts, options);
    expect(together).toEqual(await alone(prompts, options));
    // Rows are dropped one after the other.
    expect(new Set(together.map(({ tokenIds }) => tokenIds.length)).size).toBeGreaterThan(3);
  });

  test('of prompts that begin alike, and of equal ones, answer as each does alone', async () => {
    const prompts = [...questions, ...questions.slice(0, 2), 'something else'];
    expect(await generate(prompts)).toEqual(await alone(prompts));
  });

  test('equal prompts are drawn apart, each with its seed, and again the same', async () => {
    const drawn = (): Promise<readonly GeneratedRow[]> => generate(new Array<string>(6).fill(proposals[0] as string), { temperature: 1.5, topP: 0.9 });
    const rows = await drawn();
    expect(new Set(rows.map(({ text }) => text)).size).toBeGreaterThan(1);
    expect(await drawn()).toEqual(rows);
  });

  test('of stacked adapters answer as each does alone, though the groups are of unlike size and one ends first', async () => {
    const { adapter, base, maxNewTokens } = goldenFor('tied-fp32');
    const prompts = base.greedy.map(({ prompt }) => prompt);
    const options = { modelDirectory: goldenModel('tied-fp32'), maxNewTokens };
    const adapterDirectory = goldenAdapter(adapter);
    const groups = [prompts, prompts.slice(0, 1), prompts.slice(1)];
    const together = await generateGroups(groups.map((group) => ({ adapterDirectory, rows: group.map((prompt) => ({ prompt })) })), options);
    for (const [n, group] of groups.entries()) expect(together[n]).toEqual(await alone(group, options, adapterDirectory));
  });
});

test('a limit beyond the model\'s context is what the context leaves behind each prompt, and no more is counted on', async () => {
  const modelDirectory = goldenModel('tied-fp32');
  const rows = goldenFor('tied-fp32').base.greedy.map(({ prompt }) => ({ prompt }));
  const totals = new Set<number>();
  const request = { modelDirectory, maxNewTokens: 2048, temperature: 0, topP: 1, groups: [{ adapterDirectory: null, rows }] };
  const { groups } = await languageModel.generate(request, { onProgress: ({ total }) => totals.add(total) });
  const prompts = await languageModel.countTokens({ modelDirectory, rows: rows.map(({ prompt }) => ({ text: prompt })) });
  const lengths = groups[0]!.map(({ tokenIds, finish }, i) => (finish === 'length' ? tokenIds.length + prompts[i]! : 128));
  expect(lengths).toEqual(rows.map(() => 128));
  expect(groups[0]!.some(({ finish }) => finish === 'length')).toBe(true);
  expect([...totals]).toEqual([128 - Math.min(...prompts)]);
});

/** Sum over a row's tokens, and what scoring the same answer gives. */
async function bothLogprobs(prompts: readonly string[], rows: readonly GeneratedRow[]): Promise<{ ours: number; scored: number; tokens: number[] }[]> {
  const { groups } = await languageModel.score({
    modelDirectory: nano,
    groups: [{ adapterDirectory: null, rows: prompts.map((prompt, i) => ({ prompt, completion: rows[i]?.text ?? '' })) }],
  });
  return rows.map(({ logprobs = [], tokenIds }, i) => ({
    ours: logprobs.reduce((a, b) => a + b, 0),
    scored: groups[0]?.[i]?.logprob ?? NaN,
    tokens: [logprobs.length, tokenIds.length, groups[0]?.[i]?.tokens ?? NaN],
  }));
}

describe('log-probabilities', () => {
  test('are those that scoring the answer gives', async () => {
    const rows = await generate(proposals, { logprobs: true });
    for (const { ours, scored, tokens } of await bothLogprobs(proposals, rows)) {
      expect(ours).toBeCloseTo(scored, 3);
      expect(tokens).toEqual([24, 24, 24]);
    }
  });

  test('are left out unless asked for, and change no token', async () => {
    const [plain, asked] = [await generate(proposals), await generate(proposals, { logprobs: true })];
    expect(plain.every((row) => !('logprobs' in row))).toBe(true);
    expect(asked.map(({ tokenIds }) => tokenIds)).toEqual(plain.map(({ tokenIds }) => tokenIds));
  });
});

test('a prompt too long for one run is run in pieces, to the same probabilities', async () => {
  const prompt = worldContexts(world, 'train', 560, 12).map(({ title, context }) => implicationsPrompt(title, context)).join('\n\n');
  const [length] = await languageModel.countTokens({ modelDirectory: nano, rows: [{ text: prompt }] });
  expect(length).toBeGreaterThan(1100);
  const rows = await generate([prompt], { logprobs: true, maxNewTokens: 8 });
  const [both] = await bothLogprobs([prompt], rows);
  expect(both?.tokens).toEqual([8, 8, 8]);
  expect(both?.ours).toBeCloseTo(both?.scored ?? NaN, 3);
});

describe('rounded weights', () => {
  const logprobs = async (precision: 'float32' | 'int8' | 'int4'): Promise<number[]> => {
    const rows = await generate(proposals, { logprobs: true, maxNewTokens: 1, compute: { generationPrecision: precision } });
    return rows.flatMap((row) => row.logprobs ?? []);
  };

  test('give nearly the same probabilities, 8 bits more nearly than 4', async () => {
    const exact = await logprobs('float32');
    const error = (values: readonly number[]): number => Math.max(...values.map((value, i) => Math.abs(value - (exact[i] as number))));
    const [eight, four] = [error(await logprobs('int8')), error(await logprobs('int4'))];
    expect(exact).toHaveLength(proposals.length);
    expect(eight).toBeGreaterThan(0);
    expect(eight).toBeLessThan(0.1);
    expect(four).toBeLessThan(1.5);
    expect(eight).toBeLessThan(four);
  });

  test.each(['int8', 'int4'] as const)('in %s, rows that are run together answer as each does alone', async (precision) => {
    const prompts = [...proposals, ...questions, 'a'];
    const options = { compute: { generationPrecision: precision } };
    expect(await generate(prompts, options)).toEqual(await alone(prompts, options));
  });

  test.each(['int8', 'int4'] as const)('in %s, adapters, weights in bfloat16 and widths that no block divides work', async (precision) => {
    const { adapter, base, maxNewTokens } = goldenFor('gqa-bf16');
    const group = { adapterDirectory: goldenAdapter(adapter), rows: base.greedy.map(({ prompt }) => ({ prompt })) };
    const options = { modelDirectory: goldenModel('gqa-bf16'), maxNewTokens, compute: { generationPrecision: precision } };
    const [rows = []] = await generateGroups([group], options);
    expect(rows.map(({ finish }) => ['eos', 'length'].includes(finish))).toEqual(base.greedy.map(() => true));
  });
});

describe('settings that cannot be', () => {
  test.each<[Options, RegExp]>([
    [{ maxNewTokens: 0 }, /^maxNewTokens: expected a whole number from 1, got 0$/],
    [{ temperature: -1 }, /^temperature: expected a number from 0, got -1$/],
    [{ topP: 0 }, /^topP: expected a number above 0, at most 1, got 0$/],
    [{ stop: ['a', ''] }, /^stop: expected texts of at least one character, got/],
  ])('%j', async (options, message) => {
    const call = generate(['a'], options);
    await expect(call).rejects.toThrow(BadInputError);
    await expect(call).rejects.toThrow(message);
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { startComputeProcess } from '../../engine/runtime/compute-client';
import { implicationsPrompt } from '../../seal/domains/knowledge/prompts';
import { worldContexts } from '../../seal/domains/knowledge/world/contexts';
import { tokenizerFiles } from '../../seal/domains/knowledge/world/vocabulary';
import { worldSpecSchema } from '../../seal/domains/knowledge/world/world-spec';
import { judgeLine } from './judge-line';

const nano = join(__dirname, '../../../examples/nano');
const modelDirectory = join(nano, 'model');
const model = startComputeProcess();
afterAll(() => model.close());

test('the shipped tokenizer is the one that the world makes', () => {
  for (const [name, text] of Object.entries(tokenizerFiles())) {
    expect(readFileSync(join(modelDirectory, name), 'utf8')).toBe(text);
  }
});

test('on passages it never saw, the model writes self-edits that are mostly true, in every style', async () => {
  const world = worldSpecSchema.parse(parse(readFileSync(join(nano, 'world.yaml'), 'utf8')));
  const contexts = worldContexts(world, 'train', 560, 40);
  const { groups } = await model.generate({
    modelDirectory,
    groups: [
      {
        adapterDirectory: null,
        rows: contexts.map(({ title, context }, i) => ({ prompt: implicationsPrompt(title, context), seed: i })),
      },
    ],
    maxNewTokens: 192,
    temperature: 1,
    topP: 1,
  });
  const lines = groups[0]!.flatMap(({ text }, i) => text.split('\n').map((line) => judgeLine(line, contexts[i]!)));
  const share = (values: readonly boolean[]): number => values.filter((value) => value).length / values.length;

  expect(groups[0]!.filter(({ finish }) => finish !== 'eos')).toEqual([]);
  for (const style of ['vague', 'verbatim', 'keywords', 'atomic', 'questionAnswer']) {
    expect({ style, lines: lines.filter((line) => line.style === style).length }).not.toEqual({ style, lines: 0 });
  }
  expect(share(lines.map(({ style }) => style !== 'garbled'))).toBeGreaterThan(0.95);
  expect(share(lines.flatMap(({ nameRight }) => nameRight ?? []))).toBeGreaterThan(0.95);
  // A list of words is right if all of its two or three values are the passage's.
  const told = (lists: boolean): boolean[] =>
    lines.filter(({ style }) => (style === 'keywords') === lists).flatMap(({ valueRight }) => valueRight ?? []);
  expect(share(told(false))).toBeGreaterThan(0.88);
  expect(share(told(true))).toBeGreaterThan(0.5);
}, 120_000);

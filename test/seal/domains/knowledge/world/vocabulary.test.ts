import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { loadTokenizer } from '../../../../../engine/files/tokenizer';
import { implicationsPrompt, questionPrompt } from '../../../../../seal/domains/knowledge/prompts';
import { worldContexts } from '../../../../../seal/domains/knowledge/world/contexts';
import { corpusSpecSchema } from '../../../../../seal/domains/knowledge/world/corpus-spec';
import { POOLS } from '../../../../../seal/domains/knowledge/world/kinds';
import { pretrainingDocuments } from '../../../../../seal/domains/knowledge/world/pretraining-documents';
import { END_OF_TEXT, PADDING, tokenizerFiles, vocabularySize } from '../../../../../seal/domains/knowledge/world/vocabulary';

const files = tokenizerFiles();
const directory = mkdtempSync(join(tmpdir(), 'nano-tokenizer-'));
for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
afterAll(() => rmSync(directory, { recursive: true }));

const tokenizer = loadTokenizer(directory);
const encode = (text: string): number[] => tokenizer.encodeCompletion(text);
const pieces = (text: string): string[] => encode(text).map((id) => tokenizer.decode([id]));

test('padding, end of text, then at most 1,100 pieces; nothing is added to a prompt', () => {
  const { model } = JSON.parse(files['tokenizer.json']!) as { model: { vocab: Record<string, number> } };
  expect([model.vocab[PADDING], model.vocab[END_OF_TEXT]]).toEqual([0, 1]);
  expect(tokenizer.vocabularySize).toBe(vocabularySize());
  expect(vocabularySize()).toBeLessThanOrEqual(1100);
  expect(tokenizer.encodePrompt('Virzam buys salt.')).toEqual(encode('Virzam buys salt.'));
});

test('a value is one token, the same as an answer and in a sentence; a name is two', () => {
  for (const value of Object.values(POOLS).flat()) {
    expect(encode(value)).toHaveLength(1);
    expect(pieces(` with ${value}.`)).toEqual([' with ', value, '.']);
  }
  expect(pieces('- The flag of Virzam')).toEqual(['- ', 'The', ' flag', ' of ', 'Vir', 'zam']);
});

test('texts of the world survive, and need no letters or bytes', () => {
  for (const { title, context, questions, oracle } of worldContexts({ seed: 3 }, 'heldOut', 0, 100)) {
    const texts = [implicationsPrompt(title, context), ...questions.map(({ question }) => questionPrompt(title, question)), ...oracle!];
    for (const text of texts) {
      expect(tokenizer.decode(encode(text))).toBe(text);
      expect(pieces(text).filter((piece) => /^[b-zB-Z]$/.test(piece))).toEqual([]);
    }
  }
});

test('any other text survives', () => {
  const text = 'Café “naïve” 日本語 🙂\t12,345.6 %\r\n\n  - x -  y\u00a0z';
  expect(tokenizer.decode(encode(text))).toBe(text);
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (any) => tokenizer.decode(encode(any)) === any));
});

test('texts joined after a line end have the joined tokens', () => {
  const [context] = worldContexts({ seed: 3 }, 'train', 0, 1);
  const prompt = implicationsPrompt(context!.title, context!.context);
  const completion = context!.oracle!.map((line) => `- ${line}`).join('\n');
  expect(encode(prompt + completion)).toEqual([...encode(prompt), ...encode(completion)]);
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => {
    expect(encode(`${a}\n${b}`)).toEqual([...encode(`${a}\n`), ...encode(b)]);
  }));
});

test('the segments of a pretraining document may be encoded one by one', () => {
  const corpus = corpusSpecSchema.parse({
    knownEntities: 20,
    selfEdits: { styles: { vague: 1, verbatim: 1, keywords: 1, atomic: 1, questionAnswer: 1 }, dominance: 0.5, lines: [3, 8] },
    lossWeights: { prompt: 0.1, name: 2, value: 2 },
    phases: [{ mix: { echo: 1, selfEdit: 1, statement: 1, question: 1 }, facts: [1, 8] }],
  });
  const documents = pretrainingDocuments({ seed: 3 }, corpus, 1);
  for (let i = 0; i < 500; i += 1) {
    const { segments } = documents.next().value;
    const texts = segments.map(({ text }) => text);
    expect(texts.filter((text) => text !== '').flatMap(encode)).toEqual(encode(texts.join('')));
  }
});

test('the files are the same each time', () => {
  expect(tokenizerFiles()).toEqual(files);
});

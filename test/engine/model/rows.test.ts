import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readModelConfig } from '../../../engine/files/model-config';
import { loadTokenizer, type Tokenizer } from '../../../engine/files/tokenizer';
import { countRowTokens, tokeniseRow } from '../../../engine/model/rows';
import { goldenModel, SHARED_DATA } from '../../golden/golden-values';

const EOS = 2;
const config = { ...readModelConfig(goldenModel('tied-fp32')), vocabularySize: 40_000, contextLength: 12, eosTokenIds: [EOS, 7] };

/** Every character is a token, its code the id; `template` puts ids before and behind a text. */
function characters(template: { readonly before?: readonly number[]; readonly behind?: readonly number[] } = {}): Tokenizer {
  const { before = [], behind = [] } = template;
  const encodeCompletion = (text: string): number[] => [...text].map((character) => character.codePointAt(0) as number);
  const encodePrompt = (text: string): number[] => [...before, ...encodeCompletion(text), ...behind];
  return { encodePrompt, encodeCompletion, decode: () => '', tokenOf: () => undefined, vocabularySize: 128, baseVocabularySize: 128 };
}

const training = (row: Parameters<typeof tokeniseRow>[0], tokenizer: Tokenizer = characters({ before: [1] })): ReturnType<typeof tokeniseRow> =>
  tokeniseRow(row, tokenizer, config, { appendEos: true, where: 'row 1' });
const [a, b, c] = [97, 98, 99];

const LLAMA2 = join(SHARED_DATA, 'tokenizers/llama2');
const describeLlama2 = existsSync(LLAMA2) ? describe : describe.skip;

describeLlama2('with Llama 2\'s tokenizer (shared data tokenizers/llama2)', () => {
  // What the Python library `tokenizers` says of prompt + completion.
  it.each([
    ['is encoded as the prompt goes on, not as a text of its own', 'Question: Where?\nAnswer:\n', 'Paris', [2177, 275]],
    ['has no blank before a list', 'List.\n\nImplications:\n', '- One.\n2. Two', [29899, 3118, 29889, 13, 29906, 29889, 7803]],
    ['is encoded apart where a token would reach over the cut', 'Passage:\nVel', 'mora sells amber.', [286, 2207, 269, 10071, 626, 495, 29889]],
    ['is encoded apart where the prompt ends in a blank', 'Answer: ', 'Paris', [3681]],
    ['is a text of its own behind an empty prompt', '', 'Paris', [3681]],
  ])('a completion %s', (_, prompt, completion, expected) => {
    const tokenizer = loadTokenizer(LLAMA2);
    const { ids, lossFrom } = tokeniseRow({ prompt, completion }, tokenizer, { ...config, contextLength: 64 }, { appendEos: false, where: 'row 1' });
    expect(ids.slice(lossFrom)).toEqual(expected);
    expect(ids.slice(0, lossFrom)).toEqual(tokenizer.encodePrompt(prompt));
  });
});

describe('the ends of a row', () => {
  it.each<[string, Parameters<typeof tokeniseRow>[0], number[], number]>([
    ['a bare text has none', { text: 'ab' }, [1, a, b], 1],
    ['a line of a self-edit ends with EOS', { text: 'ab', endsWithEos: true }, [1, a, b, EOS], 1],
    ['a completion ends with EOS', { prompt: 'a', completion: 'bc' }, [1, a, b, c, EOS], 2],
    ['one that was cut off does not', { prompt: 'a', completion: 'bc', endsWithEos: false }, [1, a, b, c], 2],
    ['a rendered chat ends as its template has it', { prompt: 'a', completion: 'bc', isChat: true }, [a, b, c], 1],
    ['what was sampled keeps its ids', { prompt: 'a', completionIds: [5, 6] }, [1, a, 5, 6, EOS], 2],
    ['what was sampled and cut off has no EOS', { prompt: 'a', completionIds: [5, 6], endsWithEos: false }, [1, a, 5, 6], 2],
    ['an empty completion is an EOS to learn', { prompt: 'a', completion: '' }, [1, a, EOS], 2],
    ['an empty prompt is what the tokenizer puts there', { prompt: '', completion: 'bc' }, [1, b, c, EOS], 1],
  ])('%s', (_, row, ids, lossFrom) => {
    expect(training(row)).toEqual({ ids, lossFrom });
    expect(countRowTokens(row, characters({ before: [1] }), config)).toBe(ids.length);
  });

  it('are left out of scores', () => {
    for (const row of [{ prompt: 'a', completion: 'b' }, { text: 'ab', endsWithEos: true }]) {
      expect(tokeniseRow(row, characters(), config, { appendEos: false, where: 'row 1' })).toEqual({ ids: [a, b], lossFrom: 1 });
    }
  });

  it('are a tokenizer\'s own where it puts any: the completion is encoded apart, and a text gets no second EOS', () => {
    const closing = characters({ before: [1], behind: [EOS] });
    expect(training({ prompt: 'a', completion: 'b' }, closing)).toEqual({ ids: [1, a, EOS, b, EOS], lossFrom: 3 });
    expect(training({ prompt: '', completion: 'b' }, closing)).toEqual({ ids: [1, EOS, b, EOS], lossFrom: 2 });
    expect(training({ text: 'a', endsWithEos: true }, closing)).toEqual({ ids: [1, a, EOS], lossFrom: 1 });
    const separating = characters({ before: [1], behind: [3] });
    expect(training({ text: 'a', endsWithEos: true }, separating)).toEqual({ ids: [1, a, 3, EOS], lossFrom: 1 });
  });

  it('need a model that has an EOS', () => {
    const row = { text: 'ab', endsWithEos: true };
    const without = { ...config, eosTokenIds: [] };
    expect(() => tokeniseRow(row, characters(), without, { appendEos: true, where: 'row 1' })).toThrow('row 1: expected a model with eos_token_id in its config.json, got none');
    expect(tokeniseRow({ ...row, endsWithEos: false }, characters(), without, { appendEos: true, where: 'row 1' }).ids).toEqual([a, b]);
  });
});

it('a row is refused that has nothing to learn or no room', () => {
  expect(() => training({ prompt: 'ab', completion: '', endsWithEos: false })).toThrow('row 1: expected at least one token to predict, got 3 tokens, 3 of them given');
  expect(() => training({ text: 'a' }, characters())).toThrow('row 1: expected at least one token to predict, got 1 tokens, 1 of them given');
  expect(training({ text: 'a'.repeat(10), endsWithEos: true }).ids).toHaveLength(12);
  expect(() => training({ text: 'a'.repeat(11), endsWithEos: true })).toThrow('row 1: expected at most 12 tokens (the model\'s context), got 13');
});

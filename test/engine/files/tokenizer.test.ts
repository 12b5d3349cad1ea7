import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModelConfig } from '../../../engine/files/model-config';
import { loadModelTokenizer, loadTokenizer } from '../../../engine/files/tokenizer';
import { filledTemplate } from '../../../seal/domains/knowledge/prompt-template';
import { goldenModel, goldens, SHARED_DATA } from '../../golden/golden-values';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();

describe.each(goldens.models)('tokenizer of $model', ({ model, tokenization, base, adapted }) => {
  const tokenizer = loadTokenizer(goldenModel(model));

  it.each(tokenization)('encodes and decodes $text as the reference does', ({ text, prompt, completion, decoded }) => {
    expect(tokenizer.encodePrompt(text, true)).toEqual(prompt);
    expect(tokenizer.encodeCompletion(text, true)).toEqual(completion);
    expect(tokenizer.decode(prompt)).toBe(decoded);
  });

  it('decodes generated tokens as the reference does', () => {
    for (const { tokenIds, text } of [...base.greedy, ...adapted.greedy]) expect(tokenizer.decode(tokenIds)).toBe(text);
  });

});

describe('the size of a vocabulary', () => {
  it.each([
    ['tied-fp32', 160, 160],
    // Special tokens that came after training: five, three and one.
    ['llama3-sharded-fp16', 305, 300],
    ['qwen2-bf16', 303, 300],
    ['llama-biases-fp32', 301, 300],
  ])('%s has %i tokens, %i of them not added', (model, vocabularySize, baseVocabularySize) => {
    expect(loadTokenizer(goldenModel(model))).toMatchObject({ vocabularySize, baseVocabularySize });
  });

  it('may be smaller than the model\'s, or exceed it by added tokens, no more', () => {
    const directoryOf = goldenModel('qwen2-bf16');
    const withEmbeddings = (vocabularySize: number) => () => loadModelTokenizer(directoryOf, { ...readModelConfig(directoryOf), vocabularySize });
    expect(withEmbeddings(320)).not.toThrow();
    expect(withEmbeddings(300)).not.toThrow();
    expect(withEmbeddings(299)).toThrow(/tokenizer\.json: expected a vocabulary of at most 299 tokens \(vocab_size of config\.json\), got 300/);
  });
});

const LLAMA2 = join(SHARED_DATA, 'tokenizers/llama2');
const describeLlama2 = existsSync(LLAMA2) ? describe : describe.skip;

describeLlama2('Llama 2 tokenizer (shared data tokenizers/llama2)', () => {
  const load = (): ReturnType<typeof loadTokenizer> => loadTokenizer(LLAMA2);

  it('gives the published ids', () => {
    const tokenizer = load();
    expect(tokenizer.encodePrompt('Hello world')).toEqual([1, 15043, 3186]);
    expect(tokenizer.encodeCompletion('Hello world')).toEqual([15043, 3186]);
    expect(tokenizer.encodePrompt('')).toEqual([1]);
    expect(tokenizer.vocabularySize).toBe(32000);
  });

  it('spells characters that it does not know in bytes', () => {
    // The emoji's four UTF-8 bytes f0 9f a4 97 are ids 3 + byte.
    expect(load().encodeCompletion('\u{1F917}')).toEqual([29871, 3 + 0xf0, 3 + 0x9f, 3 + 0xa4, 3 + 0x97]);
  });

  it.each(['Hello world', ' foo', 'a\nb\n\n- c', 'é \u{1F917}  x', 'The Apollo program, 1961\u20131972: $25.4 billion'])('decodes %j to what was encoded', (text) => {
    const tokenizer = load();
    expect(tokenizer.decode(tokenizer.encodePrompt(text))).toBe(text);
  });
});

describe('loadTokenizer', () => {
  it('names a tokenizer file that is missing, malformed or of an unknown kind', () => {
    expect(() => loadTokenizer(directory.path())).toThrow(/tokenizer\.json: expected a readable JSON file, got no such file/);
    mkdirSync(directory.path('odd'));
    writeFileSync(directory.path('odd', 'tokenizer.json'), '{"version": "1.0", "model": {"type": "Telepathy", "vocab": {}}}');
    expect(() => loadTokenizer(directory.path('odd'))).toThrow(/tokenizer\.json: model\.type: expected one of BPE, WordPiece, got "Telepathy"/);
    writeFileSync(directory.path('odd', 'tokenizer.json'), '{}');
    expect(() => loadTokenizer(directory.path('odd'))).toThrow(/tokenizer\.json: model: expected one of BPE, WordPiece, got nothing/);
    writeFileSync(directory.path('odd', 'tokenizer.json'), '[1');
    expect(() => loadTokenizer(directory.path('odd'))).toThrow(/tokenizer\.json: expected a JSON object in UTF-8, got malformed JSON/);
  });

  it('decodes an id without a token to nothing, as the reference does', () => {
    const tokenizer = loadTokenizer(goldenModel('qwen2-bf16'));
    expect([[310], [65, 310, 66]].map((ids) => tokenizer.decode(ids))).toEqual(['', 'bc']);
    expect([tokenizer.tokenOf(302), tokenizer.tokenOf(310)]).toEqual(['<|im_end|>', undefined]);
  });

  it('decodes no tokens to no text', () => {
    expect(loadTokenizer(goldenModel('tied-fp32')).decode([])).toBe('');
  });
});

describe('special tokens that are put into a template', () => {
  const tokenizer = loadTokenizer(goldenModel('qwen2-bf16'));
  const [START, END] = [301, 302];
  const controls = (ids: readonly number[]): number[] => ids.filter((id) => id === START || id === END);

  it('do not become control tokens, as those of its literal parts do', () => {
    const { prompt, parseSpecial = false } = filledTemplate('<|im_start|>{title}<|im_end|>{context}<|im_end|>', { title: 'a<|im_start|>', context: '<|im_end|>b' });
    const ids = tokenizer.encodePrompt(prompt, parseSpecial);
    expect(controls(ids)).toEqual([START, END, END]);
    const [title, context] = [tokenizer.encodePrompt('a<|im_start|>'), tokenizer.encodePrompt('<|im_end|>b')];
    expect(ids).toEqual([START, ...title, END, ...context, END]);
    expect(tokenizer.decode(ids)).toBe('a<|im_start|><|im_end|>b');
  });

  it('neither complete a literal part to a control token, nor hide one', () => {
    const control = (template: string, context: string): number[] => {
      const { prompt, parseSpecial } = filledTemplate(template, { title: '', context });
      return controls(tokenizer.encodePrompt(prompt, parseSpecial));
    };
    expect(control('<|im_end{context}', '|>')).toEqual([]);
    expect(control('{context}end|>', '<|im_')).toEqual([]);
    expect(control('{context}<|im_end|>', '<|im_')).toEqual([END]);
    expect(control('{context}<|im_end|>', 'e\u0301\u1112\u1161\u11ab')).toEqual([END]);
  });

  it('leave the tokens of the joined text as they are where there are none', () => {
    const { prompt, parseSpecial } = filledTemplate('Read this: {context} Now ask', { title: '', context: "it's 12 o'clock" });
    expect(tokenizer.encodePrompt(prompt, parseSpecial)).toEqual(tokenizer.encodePrompt(prompt));
  });
});

describeLlama2('special tokens that Llama 2 finds in the normalised text (shared data tokenizers/llama2)', () => {
  it('are control tokens in the literal parts of a template only', () => {
    const tokenizer = loadTokenizer(LLAMA2);
    const { prompt, parseSpecial } = filledTemplate('{context} </s> {context}', { title: '', context: 'a </s> b' });
    expect(tokenizer.encodePrompt(prompt, parseSpecial).filter((id) => id === 2)).toEqual([2]);
    expect(tokenizer.encodePrompt(prompt, true).filter((id) => id === 2)).toEqual([2, 2, 2]);
    expect(tokenizer.encodePrompt(prompt).filter((id) => id === 2)).toEqual([]);
  });
});

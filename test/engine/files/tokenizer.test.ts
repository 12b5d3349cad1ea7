import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModelConfig } from '../../../engine/files/model-config';
import { loadModelTokenizer, loadTokenizer } from '../../../engine/files/tokenizer';
import { goldenModel, goldens, SHARED_DATA } from '../../golden/golden-values';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();

describe.each(goldens.models)('tokenizer of $model', ({ model, tokenization, base, adapted }) => {
  const tokenizer = loadTokenizer(goldenModel(model));

  it.each(tokenization)('encodes and decodes $text as the reference does', ({ text, prompt, completion, decoded }) => {
    expect(tokenizer.encodePrompt(text)).toEqual(prompt);
    expect(tokenizer.encodeCompletion(text)).toEqual(completion);
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
    expect(() => loadTokenizer(directory.path('odd'))).toThrow(/tokenizer\.json: expected a tokenizer of a supported kind, got/);
    writeFileSync(directory.path('odd', 'tokenizer.json'), '{}');
    expect(() => loadTokenizer(directory.path('odd'))).toThrow(/tokenizer\.json: expected a tokenizer of a supported kind, got/);
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

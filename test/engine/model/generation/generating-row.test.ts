import { NotFiniteError } from '../../../../campaign/errors';
import { type Decoding, GeneratingRow } from '../../../../engine/model/generation/generating-row';

/** Token n is byte n of UTF-8, so that a character can lie across tokens. */
const tokenizer = { decode: (ids: readonly number[]): string => Buffer.from(ids).toString('utf8') };
const config = { contextLength: 100, eosTokenIds: [0] };
const greedy: Decoding = { maxNewTokens: 50, temperature: 0, topP: 1 };

function answer(text: string, decoding: Partial<Decoding> = {}): GeneratingRow {
  const row = new GeneratingRow('prompt 1', [65], { ...greedy, ...decoding }, tokenizer, config, 1);
  for (const token of [...Buffer.from(text), 0]) if (row.finish === undefined) row.advance({ token });
  return row;
}

describe('a row', () => {
  test('ends at the end token, which is in neither text nor ids', () => {
    expect(answer('hello').result()).toEqual({ text: 'hello', tokenIds: [...Buffer.from('hello')], finish: 'eos' });
  });

  test('ends after the tokens asked for, or when the context is full', () => {
    expect(answer('hello', { maxNewTokens: 2 }).result()).toMatchObject({ text: 'he', finish: 'length' });
    const long = new GeneratingRow('prompt 1', new Array<number>(99).fill(65), greedy, tokenizer, config, 1);
    long.advance({ token: 66 });
    expect(long.result()).toMatchObject({ text: 'B', finish: 'length' });
  });

  test('ends at a stop text that lies across tokens, before it', () => {
    expect(answer('one\n\ntwo', { stop: ['\n\n'] }).result()).toEqual({ text: 'one', tokenIds: [...Buffer.from('one')], finish: 'stop' });
  });

  test('of several stop texts ends before the one that stands first', () => {
    expect(answer('ab.cd!', { stop: ['!', 'cd', '.'] }).result()).toMatchObject({ text: 'ab', finish: 'stop' });
    // Both are complete with the same token.
    expect(answer('abcd', { stop: ['d', 'bcd'] }).result()).toMatchObject({ text: 'a', finish: 'stop' });
  });

  test('knows a stop text of characters of several bytes, and leaves no half of one behind', () => {
    expect(answer('né→x', { stop: ['→'] }).result()).toEqual({ text: 'né', tokenIds: [...Buffer.from('né')], finish: 'stop' });
    expect(answer('a🙂b', { stop: ['🙂'] }).result()).toEqual({ text: 'a', tokenIds: [97], finish: 'stop' });
  });

  test('is not ended by a character that is not whole yet', () => {
    expect(answer('a🙂', { stop: ['z'] }).result()).toMatchObject({ text: 'a🙂', finish: 'eos' });
  });

  test('gives the log-probability of each token it keeps, whatever the temperature', () => {
    const decoding = { ...greedy, temperature: 0.2, logprobs: true, stop: ['c'] };
    const row = new GeneratingRow('prompt 1', [65], decoding, tokenizer, config, 1);
    const logits = (token: number): Float32Array => Float32Array.from({ length: 128 }, (_, i) => (i === token ? 20 : i === 120 ? 19 : 0));
    for (const token of [97, 98, 99]) row.advance({ logits: logits(token) });
    const expected = 20 - Math.log(Math.exp(20) + Math.exp(19) + 126);
    expect(row.result()).toMatchObject({ text: 'ab', finish: 'stop', logprobs: [expect.closeTo(expected, 5), expect.closeTo(expected, 5)] });
  });

  test('names itself and the token whose logits are not finite', () => {
    const row = new GeneratingRow('group 2, prompt 3', [65], greedy, tokenizer, config, 1);
    row.advance({ token: 97 });
    const call = (): void => row.advance({ logits: Float32Array.of(0, NaN) });
    expect(call).toThrow(NotFiniteError);
    expect(call).toThrow('group 2, prompt 3, new token 2: expected finite logits, got NaN for token 1');
  });
});

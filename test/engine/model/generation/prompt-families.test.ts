import { promptFamilies } from '../../../../engine/model/generation/prompt-families';

/** A beginning of `length` tokens `token`, then the rest. */
const prompt = (length: number, token: number, ...rest: number[]): number[] => [...new Array<number>(length).fill(token), ...rest];

describe('promptFamilies', () => {
  test('neighbours that begin alike share what they begin with', () => {
    expect(promptFamilies([prompt(80, 1, 2), prompt(80, 1, 3), prompt(80, 1, 4, 5)])).toEqual([{ shared: 80, members: [0, 1, 2] }]);
  });

  test('each context has a family of its own, though all prompts begin with the same instructions', () => {
    const ask = (passage: number, question: number): number[] => [...prompt(20, 1), ...prompt(100, passage), question];
    expect(promptFamilies([ask(7, 1), ask(7, 2), ask(8, 1), ask(8, 2)])).toEqual([
      { shared: 120, members: [0, 1] },
      { shared: 120, members: [2, 3] },
    ]);
  });

  test('a token of each prompt is left, so that something comes after the beginning', () => {
    expect(promptFamilies([prompt(90, 1), prompt(100, 1)])).toEqual([{ shared: 89, members: [0, 1] }]);
  });

  test('little in common is run with the rest', () => {
    expect(promptFamilies([prompt(8, 1, 2), prompt(8, 1, 3)]).every(({ shared }) => shared === 0)).toBe(true);
    expect(promptFamilies([prompt(20, 1, 2), prompt(20, 1, 3)])).toEqual([{ shared: 0, members: [0, 1] }]);
  });

  test('every prompt is in exactly one family, in order', () => {
    const prompts = Array.from({ length: 40 }, (_, i) => prompt(i % 7 === 0 ? 10 : 60, Math.floor(i / 5), i));
    expect(promptFamilies(prompts).flatMap(({ members }) => members)).toEqual([...prompts.keys()]);
    expect(promptFamilies([])).toEqual([]);
  });
});

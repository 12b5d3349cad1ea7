import type { ParseSpecial, TextSpan } from '../../../campaign/language-model';
import { BadInputError } from '../../../campaign/errors';
import { describeValue, isJsonObject } from '../json-file';
import { Component } from './component';
import type { SubwordModel } from './model';
import type { Normalizer } from './normalizer';

/** A token that is found in a text before the model sees the rest. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** A control token: found only where special tokens are parsed, left out of decoded text. */
  readonly special: boolean;
  /** Takes the blanks before it, or after it, along. */
  readonly lstrip: boolean;
  readonly rstrip: boolean;
  /** Is found in the normalised text, not before. */
  readonly normalized: boolean;
}

/** @throws BadInputError naming the field that is not known to do what Python's does */
export function readAddedTokens(value: unknown, where: string, { vocabulary }: SubwordModel): AddedToken[] {
  if (!Array.isArray(value)) throw new BadInputError({ where, expected: 'a list', got: describeValue(value) });
  const tokens = new Map<string, AddedToken>();
  let next = vocabulary.size;
  value.forEach((json: unknown, i) => {
    const at = `${where}[${i}]`;
    if (!isJsonObject(json)) throw new BadInputError({ where: at, expected: 'an object', got: describeValue(json) });
    const component = new Component(json, at);
    const content = component.text('content');
    if (tokens.has(content)) component.refuse('content', 'a token that is added once');
    component.oneOf('single_word', [false]);
    // Python gives a new token the next free id, whatever id stands in the file.
    const id = component.oneOf('id', [vocabulary.get(content) ?? next]);
    next = Math.max(next, id + 1);
    const [special, lstrip, rstrip, normalized] = (['special', 'lstrip', 'rstrip', 'normalized'] as const).map((flag) => component.boolean(flag)) as [boolean, boolean, boolean, boolean];
    component.refuseUnread();
    tokens.set(content, { id, content, special, lstrip, rstrip, normalized });
  });
  return [...tokens.values()];
}

/** A token, or a part of the text without one. */
export type Section = AddedToken | { readonly text: string; readonly from: number };

/** Cuts texts at added tokens: first at those of the text as it is, then at those of its normalised parts. */
export class AddedTokens {
  readonly #plain: TokenFinder;
  readonly #normalized: TokenFinder;

  constructor(
    tokens: readonly AddedToken[],
    private readonly normalize: Normalizer | null,
  ) {
    const contents = (normalized: boolean): [string, AddedToken][] =>
      tokens.filter((token) => token.normalized === normalized).map((token) => [normalized && normalize !== null ? normalize(token.content) : token.content, token]);
    this.#plain = new TokenFinder(contents(false));
    this.#normalized = new TokenFinder(contents(true));
  }

  /** Added tokens, and normalised text between them; `from` is 0 for the text that begins where the whole begins. */
  split(text: string, parseSpecial: ParseSpecial): Section[] {
    const spans: readonly TextSpan[] = typeof parseSpecial !== 'boolean' ? parseSpecial : parseSpecial ? [[0, text.length]] : [];
    return this.#plain.split(text, spans).flatMap((section) => {
      if ('id' in section) return [section];
      const normalized = this.normalize?.(section.text) ?? section.text;
      const inSection = spansWithin(section, spans).map(([from, to]) => [this.lengthOf(section.text.slice(0, from)), this.lengthOf(section.text.slice(0, to))] as const);
      return this.#normalized.split(normalized, inSection).map((part) => ('id' in part ? part : { text: part.text, from: section.from + part.from }));
    });
  }

  private lengthOf(text: string): number {
    return this.normalize?.(text).length ?? text.length;
  }
}

function spansWithin({ text, from }: { readonly text: string; readonly from: number }, spans: readonly TextSpan[]): TextSpan[] {
  return spans.map(([start, end]) => [Math.max(0, start - from), Math.min(text.length, end - from)] as const).filter(([start, end]) => start < end);
}

/** Finds tokens from left to right, the longest first. */
class TokenFinder {
  readonly #byFirst = new Map<string, { readonly content: string; readonly token: AddedToken }[]>();

  constructor(contents: readonly (readonly [string, AddedToken])[]) {
    for (const [content, token] of [...contents].sort(([a], [b]) => b.length - a.length)) {
      const first = content.charAt(0);
      this.#byFirst.set(first, [...(this.#byFirst.get(first) ?? []), { content, token }]);
    }
  }

  /** @param spans where special tokens count; elsewhere one is passed over, with any other token that may lie in it, as Python does */
  split(text: string, spans: readonly TextSpan[]): Section[] {
    const sections: Section[] = [];
    let done = 0;
    let at = 0;
    while (at < text.length) {
      const found = this.#byFirst.get(text.charAt(at))?.find(({ content, token }) => text.startsWith(content, at) && !(token.special && crossesAnEnd(spans, at, at + content.length)));
      if (found === undefined) {
        at += 1;
        continue;
      }
      const { token } = found;
      const end = at + found.content.length;
      if (!token.special || isWithin(spans, at, end)) {
        const from = token.lstrip ? Math.max(done, blanksBefore(text, at)) : at;
        if (done < from) sections.push({ text: text.slice(done, from), from: done });
        sections.push(token);
        done = token.rstrip ? blanksAfter(text, end) : end;
      }
      at = end;
    }
    if (done < text.length) sections.push({ text: text.slice(done), from: done });
    return sections;
  }
}

function isWithin(spans: readonly TextSpan[], from: number, to: number): boolean {
  return spans.some(([start, end]) => start <= from && to <= end);
}

/** Partly within a span. */
function crossesAnEnd(spans: readonly TextSpan[], from: number, to: number): boolean {
  return !isWithin(spans, from, to) && spans.some(([start, end]) => from < end && start < to);
}

const BLANK = /\p{White_Space}/u;

function blanksBefore(text: string, at: number): number {
  let from = at;
  while (from > 0 && BLANK.test(text.charAt(from - 1))) from -= 1;
  return from;
}

function blanksAfter(text: string, at: number): number {
  let to = at;
  while (to < text.length && BLANK.test(text.charAt(to))) to += 1;
  return to;
}

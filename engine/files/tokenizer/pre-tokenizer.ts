import { BYTE_CHARACTERS } from './byte-characters';
import { type Component, type Readers, readComponent } from './component';
import { compilePattern, literalPattern } from './pattern';

/** A piece of a text; no token reaches past its ends. */
export interface Piece {
  readonly text: string;
  /** It begins where the whole text begins. */
  readonly isFirst: boolean;
}

/** Cuts pieces further. */
export type PreTokenizer = (pieces: readonly Piece[]) => Piece[];

/** @throws BadInputError naming the field that is not known to do what Python's does. null: a text is one piece */
export function readPreTokenizer(value: unknown, where: string): PreTokenizer | null {
  return value === null ? null : readComponent(value, where, PRE_TOKENIZERS);
}

const PRE_TOKENIZERS: Readers<PreTokenizer> = {
  Sequence: (component) => {
    const parts = component.list('pretokenizers', (value, where) => readComponent(value, where, PRE_TOKENIZERS));
    return (pieces) => parts.reduce((cut, part) => part(cut), [...pieces]);
  },
  Split: (component) => {
    const pattern = readPattern(component);
    const behavior = component.oneOf('behavior', BEHAVIORS);
    return splitting(pattern, behavior, component.boolean('invert'));
  },
  Digits: (component) => splitting(component.boolean('individual_digits') ? /\p{N}/gu : /\p{N}+/gu, 'Isolated'),
  WhitespaceSplit: () => splitting(/\p{White_Space}/gu, 'Removed'),
  ByteLevel: (component) => {
    component.ignore('trim_offsets');
    const addPrefixSpace = component.boolean('add_prefix_space');
    const useRegex = component.oneOf('use_regex', [true, false, undefined]) ?? true;
    const cut = useRegex ? splitting(compilePattern(GPT2, component.at('use_regex')), 'Isolated') : (pieces: readonly Piece[]) => pieces;
    const prefixed = (text: string): string => (addPrefixSpace && !text.startsWith(' ') ? ` ${text}` : text);
    return (pieces) => cut(pieces.map(({ text, isFirst }) => ({ text: prefixed(text), isFirst }))).map(({ text, isFirst }) => ({ text: inByteCharacters(text), isFirst }));
  },
  Metaspace: (component) => {
    const replacement = component.character('replacement');
    const scheme = component.oneOf('prepend_scheme', ['always', 'first', 'never']);
    const split = component.boolean('split');
    component.oneOf('add_prefix_space', [undefined, scheme !== 'never']);
    component.oneOf('str_rep', [undefined, replacement]);
    const prefixed = ({ text, isFirst }: Piece): string =>
      !text.startsWith(replacement) && (scheme === 'always' || (scheme === 'first' && isFirst)) ? replacement + text : text;
    const cut = split ? splitting(literalPattern(replacement), 'MergedWithNext') : (pieces: readonly Piece[]) => [...pieces];
    return (pieces) => cut(pieces.map(({ text, isFirst }) => ({ text: prefixed({ text: text.replaceAll(' ', replacement), isFirst }), isFirst })));
  },
};

const GPT2 = String.raw`'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;

function inByteCharacters(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => BYTE_CHARACTERS[byte]).join('');
}

function readPattern(component: Component): RegExp {
  const pattern = component.object('pattern');
  const { String: text, Regex: source } = pattern;
  if (Object.keys(pattern).length === 1) {
    if (typeof text === 'string' && text !== '') return literalPattern(text);
    if (typeof source === 'string' && source !== '') return compilePattern(source, component.at('pattern.Regex'));
  }
  return component.refuse('pattern', '{"String": a text} or {"Regex": a text}');
}

/** What becomes of the matches of a pattern. */
const BEHAVIORS = ['Removed', 'Isolated', 'Contiguous', 'MergedWithPrevious', 'MergedWithNext'] as const;
type Behavior = (typeof BEHAVIORS)[number];

interface Part {
  readonly text: string;
  readonly isMatch: boolean;
}

function splitting(pattern: RegExp, behavior: Behavior, invert = false): PreTokenizer {
  return (pieces) =>
    pieces.flatMap(({ text, isFirst }) => {
      const parts = partsOf(text, pattern, invert);
      const cut = joined(parts, behavior).filter((part) => part !== '');
      const keepsStart = behavior !== 'Removed' || parts.find((part) => part.text !== '')?.isMatch !== true;
      return cut.map((part, i) => ({ text: part, isFirst: isFirst && keepsStart && i === 0 }));
    });
}

/** Matches and what lies between them, in order: the whole text. */
function partsOf(text: string, pattern: RegExp, invert: boolean): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const { 0: match, index } of text.matchAll(pattern)) {
    // Oniguruma finds no empty match at the end of the last match.
    if (match === '' && index === end && parts.length > 0) continue;
    if (index > end) parts.push({ text: text.slice(end, index), isMatch: invert });
    parts.push({ text: match, isMatch: !invert });
    end = index + match.length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), isMatch: invert });
  return parts;
}

function joined(parts: readonly Part[], behavior: Behavior): string[] {
  switch (behavior) {
    case 'Removed':
      return parts.filter(({ isMatch }) => !isMatch).map(({ text }) => text);
    case 'Isolated':
      return parts.map(({ text }) => text);
    case 'Contiguous':
      return merged(parts, (part, previous) => part.isMatch === previous.isMatch);
    // Of matches in a row, one alone is merged.
    case 'MergedWithPrevious':
      return merged(parts, (part, previous) => part.isMatch && !previous.isMatch);
    case 'MergedWithNext':
      return merged(parts, (part, previous) => previous.isMatch && !part.isMatch);
  }
}

/** Parts in a row that belong together are one text. */
function merged(parts: readonly Part[], belongs: (part: Part, previous: Part) => boolean): string[] {
  const texts: string[] = [];
  parts.forEach((part, i) => {
    const previous = parts[i - 1];
    if (previous !== undefined && belongs(part, previous)) texts.push((texts.pop() ?? '') + part.text);
    else texts.push(part.text);
  });
  return texts;
}

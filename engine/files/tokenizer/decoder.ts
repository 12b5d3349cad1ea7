import { CHARACTER_BYTES } from './byte-characters';
import { type Readers, readComponent } from './component';
import { readReplacement } from './normalizer';

/** Tokens, as their vocabulary spells them, to parts of text. */
export type Decoder = (tokens: readonly string[]) => string[];

/** @throws BadInputError naming the field that is not known to do what Python's does. null: tokens are joined by blanks */
export function readDecoder(value: unknown, where: string): Decoder {
  return value === null ? (tokens) => [tokens.join(' ')] : readComponent(value, where, DECODERS);
}

const DECODERS: Readers<Decoder> = {
  Sequence: (component) => {
    const parts = component.list('decoders', (value, where) => readComponent(value, where, DECODERS));
    return (tokens) => parts.reduce((decoded, part) => part(decoded), [...tokens]);
  },
  ByteLevel: (component) => {
    component.ignore('add_prefix_space', 'trim_offsets', 'use_regex');
    return (tokens) => [utf8.decode(Uint8Array.from(tokens.flatMap(bytesOf)))];
  },
  Replace: (component) => {
    const replace = readReplacement(component);
    return (tokens) => tokens.map(replace);
  },
  ByteFallback: () => decodeByteTokens,
  Fuse: () => (tokens) => [tokens.join('')],
  Strip: (component) => {
    const content = component.character('content');
    const [start, stop] = [component.wholeNumber('start'), component.wholeNumber('stop')];
    return (tokens) => tokens.map((token) => stripped([...token], content, start, stop));
  },
  Metaspace: (component) => {
    component.ignore('split', 'add_prefix_space', 'str_rep');
    const replacement = component.character('replacement');
    const scheme = component.oneOf('prepend_scheme', ['always', 'first', 'never']);
    return (tokens) => tokens.map((token, i) => token.replaceAll(replacement, i === 0 && scheme !== 'never' ? '' : ' '));
  },
  WordPiece: (component) => {
    const prefix = component.text('prefix');
    component.oneOf('cleanup', [false]);
    return (tokens) => tokens.map((token, i) => (i === 0 ? token : token.startsWith(prefix) ? token.slice(prefix.length) : ` ${token}`));
  },
};

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** A token with a character that stands for no byte is text. */
function bytesOf(token: string): number[] {
  const bytes = Array.from(token, (character) => CHARACTER_BYTES.get(character));
  return bytes.includes(undefined) ? [...new TextEncoder().encode(token)] : (bytes as number[]);
}

const BYTE_TOKEN = /^<0x([0-9A-Fa-f]{2})>$/;

/** Tokens such as `<0xE2>` in a row are UTF-8; where they are not, each is a replacement character. */
function decodeByteTokens(tokens: readonly string[]): string[] {
  const decoded: string[] = [];
  let bytes: number[] = [];
  const flush = (): void => {
    if (bytes.length > 0) decoded.push(decodeBytes(bytes));
    bytes = [];
  };
  for (const token of tokens) {
    const byte = BYTE_TOKEN.exec(token)?.[1];
    if (byte !== undefined) bytes.push(parseInt(byte, 16));
    else {
      flush();
      decoded.push(token);
    }
  }
  flush();
  return decoded;
}

function decodeBytes(bytes: readonly number[]): string {
  const text = utf8.decode(Uint8Array.from(bytes));
  const isUtf8 = Buffer.from(text).equals(Uint8Array.from(bytes));
  return isUtf8 ? text : '\uFFFD'.repeat(bytes.length);
}

function stripped(characters: readonly string[], content: string, start: number, stop: number): string {
  let from = 0;
  while (from < Math.min(start, characters.length) && characters[from] === content) from += 1;
  let to = characters.length;
  while (to > from && characters.length - to < stop && characters[to - 1] === content) to -= 1;
  return characters.slice(from, to).join('');
}

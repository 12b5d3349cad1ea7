import { BadInputError } from '../../../campaign/errors';
import { describeValue } from '../json-file';
import { huggingFace } from './hugging-face';

/**
 * What a regular expression of tokenizer.json may be made of: constructs that Oniguruma, which Python's tokenizers use, and JavaScript
 * match alike once the library has translated them. Left out are, among others, possessive quantifiers, look-behind, anchors, `\d`, `\w`.
 */
const ESCAPE = String.raw`\\(?:[rntsS]|[pP]\{[LMNPSZ][a-z]?\}|[!-/:-@\[-\x60{-~ ])`;
const ELEMENT = new RegExp(
  [
    // The contractions of English, whose letters have one variant beyond ASCII's: see foldContractions.
    String.raw`\(\?i:(?:'?(?:[stmd]|re|ve|ll|\[sdmt\])(?:\||(?=\))))+\)`,
    String.raw`\((?:\?[:=!]|(?!\?))`,
    String.raw`[)|]`,
    String.raw`(?:[?*+]\??|\{\d+(?:,\d*)?\})(?![?*+{])`,
    String.raw`\[\^?(?:${ESCAPE}|(?!&&)[^\\\[\]])+\]`,
    ESCAPE,
    String.raw`[^\\()\[\]|?*+{}^$.]`,
  ].join('|'),
  'uy',
);

/**
 * Compiles a regular expression of tokenizer.json.
 *
 * @throws BadInputError for one that might match other text than in Python
 */
export function compilePattern(source: string, where: string): RegExp {
  const refuse = (got: string, options?: ErrorOptions): never => {
    throw new BadInputError({ where, expected: 'a regular expression that means the same in Python', got: describeValue(got) }, options);
  };
  let translated = '';
  for (let at = 0; at < source.length; ) {
    ELEMENT.lastIndex = at;
    const element = ELEMENT.exec(source)?.[0] ?? refuse(source.slice(at));
    translated += element.startsWith('(?i:') ? foldContractions(element) : element;
    at += element.length;
  }
  try {
    return new huggingFace.SplitPreTokenizer({ pattern: { Regex: translated }, invert: false }).pattern;
  } catch (cause) {
    return refuse(source, { cause });
  }
}

/** Oniguruma also takes the long s for an s; the library does not. */
function foldContractions(contractions: string): string {
  return contractions.replaceAll('[sdmt]', '[sſdmt]').replace(/(?<!\[)s/g, '[sſ]');
}

/** Matches a text as it is. */
export function literalPattern(text: string): RegExp {
  return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'gu');
}

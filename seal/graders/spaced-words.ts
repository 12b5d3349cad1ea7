/** Words of any script with spaces between them, so that a run of whole words is a part of the text. */

/**
 * A letter with no space between it and the next word: of Chinese, Japanese, Thai, Lao, Khmer and Burmese; and of Korean, which writes particles on to its
 * words.
 */
const UNSPACED = '(?=\\p{L})[\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\\p{scx=Bopomofo}\\p{scx=Hangul}\\p{scx=Thai}\\p{scx=Lao}\\p{scx=Khmer}\\p{scx=Myanmar}]';
const SPACED = `(?!${UNSPACED})[\\p{L}\\p{M}\\p{N}]`;
/** Letters, marks and digits in a row, a number's separators among them; a letter that is written without spaces; any other sign. */
const WORD = new RegExp(`(?:\\d+(?:[.,]\\d+)+|${SPACED})(?:${SPACED})*|${UNSPACED}\\p{M}*|\\S`, 'gu');

/**
 * The words of a text, with a space on either side of each. Where a script puts no space between words each letter is one, so that
 * they are found inside longer text.
 */
export function spacedWords(text: string): string {
  return ` ${(text.match(WORD) ?? []).join(' ')} `;
}

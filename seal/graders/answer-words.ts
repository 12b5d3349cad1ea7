/**
 * The words of an answer in the form in which `tokens` compares them: lower case, no accents, no punctuation, no
 * possessive 's; a number in digits whatever its spelling ("1,500", "nine", "13th", "1.5 billion"); "%" is `percent`,
 * "BCE" is `bc`.
 */
const DIGITS: Readonly<Record<string, number>> = Object.fromEntries([
  ...[
    'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty',
    'zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth',
  ].flatMap((row) => row.split(' ').map((word, value): [string, number] => [word, value])),
  ...'thirty forty fifty sixty seventy eighty ninety'.split(' ').map((word, i): [string, number] => [word, 30 + 10 * i]),
]);
const SCALES: Readonly<Record<string, number>> = { hundred: 1e2, thousand: 1e3, million: 1e6, billion: 1e9, trillion: 1e12 };

const THOUSANDS_COMMA = /(?<=\d),(?=\d{3}(?!\d))/g;
/** "1,5 billion", "12,5 %". */
const DECIMAL_COMMA = /(?<=\d),(?=\d{1,2}\s*(?:hundred|thousand|million|billion|trillion|percent|per cent|%))/g;
/** A number with or without its ordinal ending, else a run of letters and digits. */
const WORD = /\d+(?:\.\d+)?(?:st|nd|rd|th|s)?(?!\p{L})|[\p{L}\p{N}]+/gu;
const ORDINAL_ENDING = /^(\d+(?:\.\d+)?)(?:st|nd|rd|th|s)$/;

export function answerWords(text: string): string[] {
  const words: string[] = [];
  for (const raw of simplified(text).match(WORD) ?? []) {
    const before = words.at(-1);
    const scale = own(SCALES, raw);
    if (scale !== undefined && before !== undefined && isNumber(before)) {
      words[words.length - 1] = String(Math.round(Number(before) * scale));
    } else {
      words.push(String(own(DIGITS, raw) ?? raw.replace(ORDINAL_ENDING, '$1')));
    }
  }
  return words;
}

export function isNumber(word: string): boolean {
  return /^\d+(?:\.\d+)?$/.test(word);
}

function simplified(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    // Korean syllables whole again: one is no part of another
    .normalize('NFC')
    .replace(/['’]s(?!\p{L})/gu, '')
    .replace(/(?<=\p{L})['’](?=\p{L})/gu, '')
    .replace(THOUSANDS_COMMA, '')
    .replace(DECIMAL_COMMA, '.')
    .replace(/%|(?<!\p{L})per\s*cent(?!\p{L})/gu, ' percent ')
    // initials: "b.c.", "u.s."
    .replace(/(?<=(?<!\p{L})\p{L})\.(?=\p{L}(?!\p{L}))/gu, '')
    .replace(/(?<!\p{L})bce(?!\p{L})/gu, 'bc');
}

function own(table: Readonly<Record<string, number>>, word: string): number | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}

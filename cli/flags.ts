import { BadInputError } from '../campaign/errors';
import { EXECUTION_PROVIDERS, type ExecutionProvider, PROJECTIONS, type Schedule } from '../campaign/language-model';
import { parseDay } from '../engine/files/strftime';

/** Turns a flag's text into its value. @throws BadInputError naming the flag */
export type FlagParser<Value> = (text: string) => Value;

const UINT32_MAX = 2 ** 32 - 1;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

function refuse(flag: string, expected: string, text: string): never {
  throw new BadInputError({ where: flag, expected, got: JSON.stringify(text) });
}

/** A whole number within [minimum, maximum], written in decimal digits. */
export function wholeNumber(flag: string, minimum: number, maximum: number = Number.MAX_SAFE_INTEGER): FlagParser<number> {
  const upTo = maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  return (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value) || value < minimum || value > maximum) {
      refuse(flag, `a whole number ${upTo}`, text);
    }
    return value;
  };
}

/** An unsigned 32-bit seed. */
export function seed(flag: string): FlagParser<number> {
  return wholeNumber(flag, 0, UINT32_MAX);
}

/** A finite number above `minimum` (or equal to it, if `inclusive`) and at most `maximum`. */
export function realNumber(
  flag: string,
  range: { readonly minimum: number; readonly inclusive: boolean; readonly maximum?: number },
): FlagParser<number> {
  const { minimum, inclusive, maximum } = range;
  const lower = inclusive ? `of at least ${minimum}` : `above ${minimum}`;
  const expected = maximum === undefined ? `a number ${lower}` : `a number ${lower} and at most ${maximum}`;
  return (text) => {
    const value = DECIMAL.test(text) ? Number(text) : Number.NaN;
    const tooLow = inclusive ? value < minimum : value <= minimum;
    if (!Number.isFinite(value) || tooLow || (maximum !== undefined && value > maximum)) {
      refuse(flag, expected, text);
    }
    return value;
  };
}

/** One of a fixed set of words. */
export function oneOf<Word extends string>(flag: string, words: readonly Word[]): FlagParser<Word> {
  return (text) => words.find((word) => word === text) ?? refuse(flag, `one of ${words.join(', ')}`, text);
}

/** As ISO 4217 names it. */
export const currency: FlagParser<string> = (text) => (/^[A-Z]{3}$/.test(text) ? text : refuse('--currency', 'three capitals, as EUR', text));

/** Any text but the empty one: a path, an id, a name. */
export function nonEmpty(flag: string, expected: string): FlagParser<string> {
  return (text) => (text.trim() === '' ? refuse(flag, expected, text) : text);
}

export const DATE_HELP = 'the day that a chat template may write, YYYY-MM-DD (default: 2024-07-26, whatever the day)';
export const PARSE_SPECIAL_HELP = 'special tokens that a text spells out are control tokens (default: plain text; in a chat they always are)';

/** A day of the calendar, YYYY-MM-DD; given back as it is. */
export function calendarDay(flag: string): FlagParser<string> {
  return (text) => {
    parseDay(flag, text);
    return text;
  };
}

export const schedule: FlagParser<Schedule> = oneOf('--schedule', ['linear', 'cosine', 'constant'] as const);

/** `all-linear`; projections joined by commas, given back in PEFT's order; or a regular expression of module names. */
export const targets: FlagParser<string | readonly string[]> = (text) => {
  if (text === 'all-linear') return text;
  const names = text.split(',').map((name) => name.trim());
  const known: readonly string[] = PROJECTIONS;
  const isList = names.every((name) => /^\w+$/.test(name));
  if (!isList && text.trim() !== '') return text;
  if (names.some((name) => !known.includes(name))) {
    refuse('--targets', `all-linear, a comma-separated list of ${PROJECTIONS.join(', ')}, or a regular expression of module names`, text);
  }
  return PROJECTIONS.filter((projection) => names.includes(projection));
};

/** `KEY=VALUE` joined by commas, such as `q_proj=8,layers.0.mlp.up_proj=4`. */
export function pattern(flag: string, value: FlagParser<number>): FlagParser<Readonly<Record<string, number>>> {
  return (text) =>
    Object.fromEntries(
      text.split(',').map((entry) => {
        const equals = entry.lastIndexOf('=');
        if (equals < 1) refuse(flag, 'KEY=VALUE joined by commas', text);
        return [entry.slice(0, equals).trim(), value(entry.slice(equals + 1).trim())];
      }),
    );
}

/** What takes an operator first; the CPU takes what is left. Absent: the CPU alone. */
export const provider: FlagParser<ExecutionProvider> = oneOf('--provider', EXECUTION_PROVIDERS);

export const PROVIDER_HELP = 'cpu, cuda or webgpu; see docs/gpu.md';

import { parseArgs } from 'node:util';
import { BadInputError } from '../campaign/errors';

export interface ChaosArguments {
  readonly kills: number;
  readonly seed: number;
  /** Null: the campaign of the nano model that is shipped. */
  readonly campaign: string | null;
  /** One JSON document on standard output instead of words. */
  readonly json: boolean;
  /** Where stacks live and `chaos.json` is written; null: a temporary directory. */
  readonly out: string | null;
  /** Leaves every stack's directory behind. */
  readonly keep: boolean;
}

const MAX_KILLS = 100_000;
const MAX_SEED = 2 ** 32 - 1;

/** @throws BadInputError for an unknown flag or a value that cannot be used */
export function parseArguments(words: readonly string[]): ChaosArguments {
  const { values } = parsed(words);
  return {
    kills: wholeNumber('--kills', values.kills ?? '7', 1, MAX_KILLS),
    seed: wholeNumber('--seed', values.seed ?? '1', 0, MAX_SEED),
    campaign: named('--campaign', values.campaign),
    json: values.json ?? false,
    out: named('--out', values.out),
    keep: values.keep ?? false,
  };
}

function parsed(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        kills: { type: 'string' },
        seed: { type: 'string' },
        campaign: { type: 'string' },
        out: { type: 'string' },
        json: { type: 'boolean' },
        keep: { type: 'boolean' },
      },
    });
  } catch (cause) {
    const expected = '--kills N, --seed S, --campaign FILE, --out DIR, --json or --keep';
    throw new BadInputError({ where: 'npm run chaos', expected, got: cause instanceof Error ? cause.message : String(cause) }, { cause });
  }
}

function wholeNumber(flag: string, text: string, least: number, most: number): number {
  const value = /^\d{1,12}$/.test(text) ? Number(text) : NaN;
  if (value >= least && value <= most) return value;
  throw new BadInputError({ where: flag, expected: `a whole number from ${least} to ${most}`, got: JSON.stringify(text) });
}

function named(flag: string, value: string | undefined): string | null {
  if (value === '') throw new BadInputError({ where: flag, expected: 'a path', got: 'nothing' });
  return value ?? null;
}

import { isDeepStrictEqual } from 'node:util';
import { BadInputError } from '../campaign/errors';
import type { LoraSettings } from '../campaign/language-model';

/** Flags that shape an adapter; absent where the user said nothing. */
export type LoraFlags = Partial<Pick<LoraSettings, 'rank' | 'alpha' | 'targets' | 'rsLora' | 'rankPattern' | 'alphaPattern' | 'dropout'>>;

const DEFAULTS: LoraSettings = { rank: 32, alpha: 64, targets: 'all-linear' };

/** The flag of a setting: `--rank-pattern`. */
export function loraFlag(field: keyof LoraSettings): string {
  return field === 'rsLora' ? '--rslora' : `--${field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}

/**
 * The adapter's shape: from the flags, else from the adapter it starts from, else the defaults.
 * @throws BadInputError where a flag contradicts the adapter it starts from
 */
export function loraSettings(flags: LoraFlags, init: LoraSettings | undefined): LoraSettings {
  const { rank, alpha, targets, rsLora, rankPattern, alphaPattern, dropout } = flags;
  const said: LoraFlags = {
    ...(rank === undefined ? {} : { rank }),
    ...(alpha === undefined ? {} : { alpha }),
    ...(targets === undefined ? {} : { targets }),
    ...(rsLora === undefined ? {} : { rsLora }),
    ...(rankPattern === undefined ? {} : { rankPattern }),
    ...(alphaPattern === undefined ? {} : { alphaPattern }),
  };
  const drop = dropout === undefined ? {} : { dropout };
  if (init === undefined) return { ...DEFAULTS, ...said, ...drop };
  for (const field of Object.keys(said) as (keyof LoraFlags)[]) refuseOther(field, said[field], init[field]);
  // What a step drops is no part of the adapter's shape.
  return { ...init, ...drop };
}

function refuseOther(field: keyof LoraFlags, got: unknown, expected: unknown): void {
  if (isDeepStrictEqual(got, expected)) return;
  throw new BadInputError({ where: loraFlag(field), expected: `${show(expected ?? 'nothing')}, as in --init-adapter`, got: show(got) });
}

function show(value: unknown): string {
  if (Array.isArray(value)) return value.join(',');
  return typeof value === 'string' ? value : JSON.stringify(value);
}

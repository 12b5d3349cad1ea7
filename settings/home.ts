import { resolve } from 'node:path';
import { BadInputError } from '../contracts/errors';
import { environment, variable } from './environment';

/** Absolute `$SEAL_HOME`. @default ./.seal */
export function sealHome(env: NodeJS.ProcessEnv = environment()): string {
  return resolve(variable(env, 'SEAL_HOME') ?? '.seal');
}

/** Bytes of `SEAL_DISK_QUOTA_GB` (GiB; fractions allowed), or null where it is not set. @throws BadInputError */
export function diskQuotaBytes(env: NodeJS.ProcessEnv = environment()): number | null {
  const text = variable(env, 'SEAL_DISK_QUOTA_GB');
  if (text === undefined) return null;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0)) throw new BadInputError({ where: 'SEAL_DISK_QUOTA_GB', expected: 'a number of GiB above 0', got: JSON.stringify(text) });
  return value * 2 ** 30;
}

import { resolve } from 'node:path';
import { BadInputError } from '../campaign/errors';
import { environment, variable } from './environment';

/** Absolute `$SEAL_HOME`. @default ./.seal */
export function sealHome(env: NodeJS.ProcessEnv = environment()): string {
  return resolve(variable(env, 'SEAL_HOME') ?? '.seal');
}

/** Bytes of `SEAL_DISK_QUOTA_GB` (GiB; fractions allowed), or null where it is not set. @throws BadInputError */
export function diskQuotaBytes(env: NodeJS.ProcessEnv = environment()): number | null {
  return gibibytes(env, 'SEAL_DISK_QUOTA_GB');
}

/** The most bytes of cached policies and adapters: `SEAL_CACHE_GB`, or half of the quota; null where neither is set. @throws BadInputError */
export function cacheBytes(env: NodeJS.ProcessEnv = environment()): number | null {
  const quota = diskQuotaBytes(env);
  return gibibytes(env, 'SEAL_CACHE_GB') ?? (quota === null ? null : quota / 2);
}

function gibibytes(env: NodeJS.ProcessEnv, name: string): number | null {
  const text = variable(env, name);
  if (text === undefined) return null;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value > 0)) throw new BadInputError({ where: name, expected: 'a number of GiB above 0', got: JSON.stringify(text) });
  return value * 2 ** 30;
}

import { environment, variable } from './environment';

/** What `SEAL_CODEC_KEYS` says: a JSON file, a directory, or the JSON itself; null: payloads are not encrypted. */
export function codecKeys(env: NodeJS.ProcessEnv = environment()): string | null {
  return variable(env, 'SEAL_CODEC_KEYS') ?? null;
}

/** What callers of the codec server must have; null: nothing. */
export function codecToken(env: NodeJS.ProcessEnv = environment()): string | null {
  return variable(env, 'SEAL_CODEC_TOKEN') ?? null;
}

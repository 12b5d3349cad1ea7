import { readdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../campaign/errors';
import { codecKeys } from '../../settings/codec';
import { encryptionKey, type KeyRing, keyRing, NO_KEYS } from './key-ring';

/** Of a directory of keys: `<id>.key` holds a key in base64, this file the id of the active one. */
const ACTIVE_FILE = 'active';
const KEY_SUFFIX = '.key';

/**
 * The keys that `SEAL_CODEC_KEYS` names: a JSON file, a directory, or the JSON itself. Files must be readable by their owner only.
 *
 * @returns NO_KEYS where the variable is not set
 * @throws BadInputError that holds no part of a key
 */
export function readKeys(env?: NodeJS.ProcessEnv): KeyRing {
  const named = codecKeys(env);
  if (named === null) return NO_KEYS;
  if (named.trimStart().startsWith('{')) return keyRing('SEAL_CODEC_KEYS', parsedJson('SEAL_CODEC_KEYS', named));
  const where = `SEAL_CODEC_KEYS ${named}`;
  if (statOf(where, named).isDirectory()) return readDirectory(where, named);
  return keyRing(where, parsedJson(where, readSecret(where, named)));
}

function readDirectory(where: string, directory: string): KeyRing {
  const names = readdirSync(directory).filter((name) => name.endsWith(KEY_SUFFIX));
  const keys = names.map((name) => {
    const file = join(directory, name);
    const key = encryptionKey(where, name.slice(0, -KEY_SUFFIX.length), readSecret(`SEAL_CODEC_KEYS ${file}`, file));
    return [key.id, key.bytes.toString('base64')] as const;
  });
  const activeFile = join(directory, ACTIVE_FILE);
  statOf(`SEAL_CODEC_KEYS ${activeFile}`, activeFile);
  return keyRing(where, { active: readFileSync(activeFile, 'utf8').trim(), keys: Object.fromEntries(keys) });
}

/** @throws BadInputError where others than the owner may read the file */
export function readSecret(where: string, file: string): string {
  const { mode } = statOf(where, file);
  // Windows has no such bits: every file looks open to all there.
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    throw new BadInputError({ where, expected: 'a file that its owner alone can read (chmod 600)', got: `mode 0${(mode & 0o777).toString(8)}` });
  }
  return read(where, () => readFileSync(file, 'utf8'));
}

function statOf(where: string, file: string): Stats {
  return read(where, () => statSync(file));
}

function read<Value>(where: string, reading: () => Value): Value {
  try {
    return reading();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const got = code === 'ENOENT' ? 'no such file' : code === 'EACCES' ? 'no permission to read it' : String(code ?? cause);
    throw new BadInputError({ where, expected: 'a readable file or directory of keys', got }, { cause });
  }
}

export function parsedJson(where: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // JSON's own complaint quotes the text, and with it a key: it is not even kept as the cause.
    throw new BadInputError({ where, expected: 'JSON', got: 'something else' });
  }
}

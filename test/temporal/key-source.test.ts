import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { NO_KEYS } from '../../temporal/encryption/key-ring';
import { readKeys } from '../../temporal/encryption/key-source';

const key = randomBytes(32).toString('base64');
let directory: string;
let file: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-keys-'));
  file = join(directory, 'keys.json');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function write(document: unknown, mode = 0o600): NodeJS.ProcessEnv {
  writeFileSync(file, typeof document === 'string' ? document : JSON.stringify(document));
  chmodSync(file, mode);
  return { SEAL_CODEC_KEYS: file };
}

it('reads a file, a directory and the variable itself', () => {
  expect(readKeys({})).toBe(NO_KEYS);
  expect(readKeys(write({ active: 'a', keys: { a: key } })).active?.bytes.toString('base64')).toBe(key);
  expect(readKeys({ SEAL_CODEC_KEYS: JSON.stringify({ active: 'a', keys: { a: key } }) }).active?.id).toBe('a');
  const keys = join(directory, 'keys');
  mkdirSync(keys);
  writeFileSync(join(keys, 'one.key'), `${key}\n`, { mode: 0o600 });
  writeFileSync(join(keys, 'two.key'), randomBytes(32).toString('base64'), { mode: 0o400 });
  writeFileSync(join(keys, 'active'), 'two\n');
  const ring = readKeys({ SEAL_CODEC_KEYS: keys });
  expect([ring.active?.id, [...ring.keys.keys()].sort()]).toEqual(['two', ['one', 'two']]);
  chmodSync(join(keys, 'one.key'), 0o644);
  expect(() => readKeys({ SEAL_CODEC_KEYS: keys })).toThrow(`SEAL_CODEC_KEYS ${join(keys, 'one.key')}: expected a file that its owner alone can read (chmod 600), got mode 0644`);
});

/** Everything that a log might show of a refusal. */
function refusal(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    expect(error).toMatchObject({ name: 'BadInputError' });
    return inspect(error, { depth: null });
  }
  throw new Error('expected a refusal');
}

const wrong: readonly (readonly [name: string, document: unknown, mode: number, message: string])[] = [
  ['a file that others can read', { active: 'a', keys: { a: key } }, 0o644, 'expected a file that its owner alone can read (chmod 600), got mode 0644'],
  ['a file that the group can read', { active: 'a', keys: { a: key } }, 0o640, 'expected a file that its owner alone can read (chmod 600), got mode 0640'],
  ['no JSON', `{"active": "${key}`, 0o600, 'expected JSON, got something else'],
  ['another JSON', { active: 'a', key }, 0o600, 'expected a JSON object of "active"'],
  ['an active key that is not there', { active: 'b', keys: { a: key } }, 0o600, ': active: expected one of the keys a, got "b"'],
  ['a short key', { active: 'a', keys: { a: key.slice(0, 20) } }, 0o600, ': key a: expected 32 bytes in base64, got something else'],
  ['what is not base64', { active: 'a', keys: { a: `${key.slice(0, -2)}!!` } }, 0o600, ': key a: expected 32 bytes in base64, got something else'],
  ['an odd id', { active: '../a', keys: { '../a': key } }, 0o600, 'expected an id of up to 64 letters, digits, dots, hyphens and underscores, got "../a"'],
];

it.each(wrong)('refuses %s, and quotes no key', (_name, document, mode, message) => {
  const env = write(document, mode);
  const said = refusal(() => readKeys(env));
  expect(said).toContain(message);
  expect(said).not.toContain(key.slice(0, 10));
});

it('names a file that is not there', () => {
  expect(() => readKeys({ SEAL_CODEC_KEYS: file })).toThrow(`SEAL_CODEC_KEYS ${file}: expected a readable file or directory of keys, got no such file`);
});

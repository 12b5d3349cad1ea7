import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { BadInputError } from '../../campaign/errors';
import { checkKeyId, KEY_BYTES, type KeyDocument, keyRing, parsedDocument } from './key-ring';
import { parsedJson, readSecret } from './key-source';

/** What a file of keys says of itself: no key. */
export interface KeyFileSummary {
  readonly file: string;
  readonly active: string;
  /** Ids, in the order they were added. */
  readonly keys: readonly string[];
}

/**
 * Adds a new random key to a file, which is made if it is not there. The file changes as a whole or not at all.
 *
 * @param activate whether payloads are written with it from now on; a new file's first key always is
 * @throws BadInputError for an id that is taken, or a file that is none of keys
 */
export function addKey(file: string, id: string, activate: boolean): KeyFileSummary {
  checkKeyId('--id', id);
  const before: KeyDocument = existsSync(file) ? readKeyFile(file) : { active: id, keys: {} };
  if (Object.hasOwn(before.keys, id)) {
    throw new BadInputError({ where: '--id', expected: `an id that ${file} does not have`, got: JSON.stringify(id) });
  }
  const keys = { ...before.keys, [id]: randomBytes(KEY_BYTES).toString('base64') };
  return write(file, { active: activate ? id : before.active, keys });
}

/** Makes a key of the file the one that payloads are written with. @throws BadInputError where the file does not have it */
export function activateKey(file: string, id: string): KeyFileSummary {
  const before = readKeyFile(file);
  if (!Object.hasOwn(before.keys, id)) {
    throw new BadInputError({ where: '--id', expected: `one of the keys ${Object.keys(before.keys).join(', ')}`, got: JSON.stringify(id) });
  }
  return write(file, { ...before, active: id });
}

function readKeyFile(file: string): KeyDocument {
  const document = parsedDocument(file, parsedJson(file, readSecret(file, file)));
  keyRing(file, document);
  return document;
}

function write(file: string, document: KeyDocument): KeyFileSummary {
  const partial = `${file}.${randomUUID()}.partial`;
  try {
    const handle = openSync(partial, 'wx', 0o600);
    try {
      writeSync(handle, `${JSON.stringify(document, null, 2)}\n`);
      // A key that is used and then lost to a power cut takes what it encrypted with it.
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(partial, file);
  } finally {
    rmSync(partial, { force: true });
  }
  return { file, active: document.active, keys: Object.keys(document.keys) };
}

import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BadInputError } from '../contracts/errors';
import { type StackFile, stackFileSchema, stackFiles } from '../contracts/stack';

/** Absolute `$SEAL_HOME`. @default ./.seal */
export function sealHome(env: NodeJS.ProcessEnv = process.env): string {
  const named = env['SEAL_HOME'];
  return resolve(named === undefined || named === '' ? '.seal' : named);
}

/**
 * What `up` wrote about the servers, or null where nothing was started.
 * @throws BadInputError if the file is not what `up` writes
 */
export function readStackFile(home: string): StackFile | null {
  const file = join(home, stackFiles.stack);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new BadInputError({ where: file, expected: 'a file that can be read', got: String(code ?? error) }, { cause: error });
  }
  try {
    return stackFileSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new BadInputError({ where: file, expected: 'what "seal up" writes; run "seal down", then "seal up"', got: 'something else' }, { cause });
  }
}

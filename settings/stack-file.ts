import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { BadInputError } from '../campaign/errors';

/** `$SEAL_HOME/stack.json`: where the embedded servers answer. Written when they are up, removed when they are stopped. */
const stackFileSchema = z.strictObject({
  temporal: z.strictObject({
    /** host:port of the gRPC frontend. */
    address: z.string().min(1),
    namespace: z.string().min(1),
    /** Web UI; null when started headless or not ours. */
    uiUrl: z.url().nullable(),
    /** Whether `up` started it: what secures a server of the user's own is not used for it. */
    embedded: z.boolean().default(true),
  }),
  s3: z.strictObject({
    endpoint: z.url(),
    bucket: z.string().min(3),
    region: z.string().min(1),
    /** Absolute path of a 0600 file; null: the usual AWS environment and files. */
    credentialsFile: z.string().nullable(),
  }),
});
export type StackFile = z.infer<typeof stackFileSchema>;

/** The file that `credentialsFile` names. */
export const s3CredentialsSchema = z.strictObject({
  accessKeyId: z.string().min(1),
  secretAccessKey: z.string().min(1),
});
export type S3Credentials = z.infer<typeof s3CredentialsSchema>;

/** File names under `$SEAL_HOME`. */
export const stackFiles = {
  stack: 'stack.json',
  credentials: 's3-credentials.json',
  logs: 'logs',
} as const;

const WRITTEN_BY_UP = 'what "seal up" writes; run "seal down", then "seal up"';

/**
 * What `up` wrote about the servers, or null where nothing was started.
 * @throws BadInputError if the file is not what `up` writes
 */
export function readStackFile(home: string): StackFile | null {
  const file = join(home, stackFiles.stack);
  const text = readIfThere(file);
  return text === null ? null : parsed(file, text, stackFileSchema);
}

/** The embedded S3 server's own credentials. @throws BadInputError */
export function readS3Credentials(file: string): S3Credentials {
  const text = readIfThere(file);
  if (text === null) throw new BadInputError({ where: file, expected: WRITTEN_BY_UP, got: 'no such file; SEAL_HOME may have been moved while its servers ran' });
  return parsed(file, text, s3CredentialsSchema);
}

/** Nothing of the text is quoted: it may hold a secret. */
function parsed<Value>(file: string, text: string, schema: z.ZodType<Value>): Value {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new BadInputError({ where: file, expected: WRITTEN_BY_UP, got: 'something else' }, { cause });
  }
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new BadInputError({ where: file, expected: 'a file that can be read', got: String(code ?? error) }, { cause: error });
  }
}

import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { NAMESPACE } from '../../contracts/campaign';
import { BadInputError, ServerUnreachableError } from '../../contracts/errors';
import { type StackFile, stackFileSchema, stackFiles } from '../../contracts/stack';

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
    throw new BadInputError({ where: file, expected: 'what "seal up" writes; run it again', got: 'something else' }, { cause });
  }
}

export function writeStackFile(home: string, stack: StackFile): void {
  const file = join(home, stackFiles.stack);
  writeFileSync(`${file}.partial`, `${JSON.stringify(stack, null, 2)}\n`);
  renameSync(`${file}.partial`, file);
}

export interface TemporalAddress {
  /** host:port */
  readonly address: string;
  readonly namespace: string;
}

/**
 * Where Temporal is: `TEMPORAL_ADDRESS` (and `TEMPORAL_NAMESPACE`), else the embedded stack of `$SEAL_HOME`.
 * @throws ServerUnreachableError if neither says
 */
export function temporalAddress(env: NodeJS.ProcessEnv = process.env): TemporalAddress {
  const named = env['TEMPORAL_ADDRESS'];
  if (named !== undefined && named !== '') {
    return { address: named, namespace: env['TEMPORAL_NAMESPACE'] ?? NAMESPACE };
  }
  const home = sealHome(env);
  const temporal = readStackFile(home)?.temporal;
  if (temporal === undefined) {
    throw new ServerUnreachableError(
      `no Temporal server: TEMPORAL_ADDRESS is not set and nothing runs in ${home}; run "seal up"`,
    );
  }
  return { address: temporal.address, namespace: temporal.namespace };
}

/** What a worker or a command needs in its environment to find these servers. */
export function stackEnvironment(home: string, { temporal, s3 }: StackFile): Record<string, string> {
  return {
    SEAL_HOME: home,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    S3_ENDPOINT: s3.endpoint,
    S3_BUCKET: s3.bucket,
    AWS_REGION: s3.region,
  };
}

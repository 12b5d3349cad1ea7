import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { BadInputError, ServerUnreachableError } from '../contracts/errors';
import { s3CredentialsSchema, type StackFile, stackFileSchema, stackFiles } from '../contracts/stack';
import type { ArtifactStore } from './artifact-store';
import { ContentAddressedStore } from './content-addressed-store';
import { ObservedObjectClient, type ObserveRequest } from './observed-object-client';
import { S3ObjectClient, type S3Settings } from './s3-client';

/** Bucket of artifacts unless `S3_BUCKET` names another. */
const DEFAULT_BUCKET = 'seal';

/**
 * Opens the store and creates its bucket if need be.
 * @param observe told of every request to the server. @default nobody
 * @throws ServerUnreachableError, StoreFailedError, StoreRefusedError (credentials)
 */
export async function openS3Store(settings: S3Settings, observe?: ObserveRequest): Promise<ArtifactStore> {
  const client = new S3ObjectClient(settings);
  try {
    await client.ensureBucket();
  } catch (error) {
    client.close();
    throw error;
  }
  return new ContentAddressedStore(observe === undefined ? client : new ObservedObjectClient(client, observe));
}

/**
 * Opens the store that the environment names: `S3_ENDPOINT` (with `S3_BUCKET`, `AWS_REGION` and the usual AWS
 * credentials), else the embedded server of `$SEAL_HOME`. The embedded server's own credentials go to nobody else.
 */
export async function openStoreFromEnvironment(env: NodeJS.ProcessEnv = process.env, observe?: ObserveRequest): Promise<ArtifactStore> {
  return openS3Store(await s3SettingsFromEnvironment(env), observe);
}

/** @throws ServerUnreachableError if neither `S3_ENDPOINT` nor a running embedded stack says where the server is */
export async function s3SettingsFromEnvironment(env: NodeJS.ProcessEnv = process.env): Promise<S3Settings> {
  const home = resolve(env['SEAL_HOME'] ?? '.seal');
  const embedded = (await readStackFile(join(home, stackFiles.stack)))?.s3;
  // Set to nothing counts as not set.
  const endpoint = env['S3_ENDPOINT'] || embedded?.endpoint;
  if (endpoint === undefined || endpoint === '') {
    throw new ServerUnreachableError(`no S3 server: S3_ENDPOINT is not set and nothing runs in ${home}; run "seal up"`);
  }
  checkEndpoint(endpoint);
  const isSame = embedded !== undefined && embedded.endpoint === endpoint;
  if (isSame && embedded.credentialsFile !== null) {
    return { endpoint, bucket: embedded.bucket, region: embedded.region, credentials: await readCredentials(embedded.credentialsFile) };
  }
  const region = env['AWS_REGION'] || env['AWS_DEFAULT_REGION'];
  const caBundle = env['AWS_CA_BUNDLE'];
  return {
    endpoint,
    bucket: env['S3_BUCKET'] || (isSame ? embedded.bucket : DEFAULT_BUCKET),
    ...(region === undefined || region === '' ? {} : { region }),
    ...(caBundle === undefined || caBundle === '' || !endpoint.startsWith('https:') ? {} : { caBundle }),
  };
}

function checkEndpoint(endpoint: string): void {
  if (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol)) {
    throw new BadInputError({ where: 'S3_ENDPOINT', expected: 'an http or https address', got: JSON.stringify(endpoint) });
  }
}

async function readStackFile(file: string): Promise<StackFile | undefined> {
  const text = await readIfThere(file);
  return text === undefined ? undefined : parsed(file, text, stackFileSchema);
}

async function readCredentials(file: string): Promise<{ accessKeyId: string; secretAccessKey: string }> {
  const text = await readIfThere(file);
  if (text === undefined) throw new BadInputError({ where: file, expected: WRITTEN_BY_UP, got: 'no such file; SEAL_HOME may have been moved while its servers ran' });
  return parsed(file, text, s3CredentialsSchema);
}

const WRITTEN_BY_UP = 'what "seal up" writes; run "seal down", then "seal up"';

function parsed<T>(file: string, text: string, schema: { parse(value: unknown): T }): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new BadInputError({ where: file, expected: WRITTEN_BY_UP, got: cause instanceof Error ? cause.message : 'garbled' }, { cause });
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return undefined;
  }
}

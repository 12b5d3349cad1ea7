import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, open, rename } from 'node:fs/promises';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { join } from 'node:path';
import { BadInputError } from '../../campaign/errors';
import { environment } from '../../settings/environment';
import { type S3Credentials, s3CredentialsSchema, stackFiles } from '../../settings/stack-file';
import type { OwnProcesses } from './own-process';
import { freePort, LOOPBACK, onFreePorts } from './ports';
import { makePrivateDirectory } from './private-files';
import { readStateFile } from './state-file';

export const EMBEDDED_REGION = 'us-east-1';
export const OBJECT_SERVER = 'versitygw';
const PREFERRED_PORT = 7070;
const READY_TIMEOUT_MS = 20_000;

export interface ObjectServerOptions {
  readonly home: string;
  readonly binary: string;
  readonly processes: OwnProcesses;
  /** 0: any free one. @default 7070 if free, else any */
  readonly port?: number;
}

/**
 * Starts the S3 server over `$SEAL_HOME/objects` and waits until it answers.
 * Metadata goes to extended attributes, or to `$SEAL_HOME/object-metadata` where the file system has none.
 * @returns its endpoint
 */
export async function startObjectServer(options: ObjectServerOptions): Promise<string> {
  const sidecar = join(options.home, 'object-metadata');
  // Data written with one kind of metadata cannot be read with the other.
  if (existsSync(sidecar)) return onFreePorts(() => launch(options, sidecar));
  try {
    return await onFreePorts(() => launch(options, null));
  } catch (error) {
    if (!(error instanceof Error && /xattr/i.test(error.message))) throw error;
    makePrivateDirectory(sidecar);
    return onFreePorts(() => launch(options, sidecar));
  }
}

async function launch({ home, binary, processes, port }: ObjectServerOptions, sidecar: string | null): Promise<string> {
  const objects = join(home, 'objects');
  makePrivateDirectory(objects);
  const credentials = await embeddedCredentials(home);
  const chosen = await freePort(port ?? PREFERRED_PORT);
  const endpoint = `http://${LOOPBACK}:${chosen}`;
  const server = processes.launch({
    name: OBJECT_SERVER,
    command: binary,
    args: [
      ...['--port', `${LOOPBACK}:${chosen}`, '--region', EMBEDDED_REGION, '--quiet', 'posix'],
      ...(sidecar === null ? [] : ['--sidecar', sidecar]),
      objects,
    ],
    // Not on the command line, where every user of the machine can read it.
    env: { ...environment(), ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey },
    purpose: endpoint,
  });
  await server.waitUntil(() => answers(endpoint, 1_000), READY_TIMEOUT_MS);
  return endpoint;
}

/**
 * Whether an S3 server answers, whatever it answers: without credentials it refuses.
 * @param timeoutMs how long a busy machine may take. @default 10000
 */
export async function answers(endpoint: string, timeoutMs = 10_000): Promise<boolean> {
  return (await answerOf(endpoint, timeoutMs)) !== null;
}

/** What time it is at an S3 server, milliseconds since the epoch, to the second; null where it does not say. */
export async function clockOf(endpoint: string, timeoutMs = 10_000): Promise<number | null> {
  const date = Date.parse((await answerOf(endpoint, timeoutMs))?.headers.date ?? '');
  return Number.isNaN(date) ? null : date;
}

function answerOf(endpoint: string, timeoutMs: number): Promise<IncomingMessage | null> {
  const request = endpoint.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise((resolve) => {
    // Nothing is sent that a certificate would have to be trusted for; the store's own client judges it.
    const asked = request(endpoint, { rejectUnauthorized: false, signal: AbortSignal.timeout(timeoutMs) }, (response) => {
      response.destroy();
      resolve(response);
    });
    asked.once('error', () => resolve(null)).end();
  });
}

/**
 * The embedded server's credentials: random, made at first use, readable by their owner only.
 * @throws BadInputError where the file is damaged
 */
export async function embeddedCredentials(home: string): Promise<S3Credentials> {
  const file = join(home, stackFiles.credentials);
  if (existsSync(file)) {
    await chmod(file, 0o600);
    const kept = readStateFile(file, s3CredentialsSchema);
    if (kept !== null) return kept;
    throw new BadInputError({ where: file, expected: 'the credentials that "seal up" wrote; remove it, and new ones are made for the same artifacts', got: 'something else' });
  }
  makePrivateDirectory(home);
  const credentials: S3Credentials = {
    accessKeyId: `seal${randomBytes(8).toString('hex')}`,
    secretAccessKey: randomBytes(32).toString('base64url'),
  };
  const partial = `${file}.${process.pid}.partial`;
  const handle = await open(partial, 'wx', 0o600);
  await handle.writeFile(JSON.stringify(credentials));
  await handle.close();
  await rename(partial, file);
  return credentials;
}

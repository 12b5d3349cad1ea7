import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { StoreRefusedError } from '../../campaign/errors';
import { answers } from '../../infra/stack/object-server';
import { OwnProcesses } from '../../infra/stack/own-process';
import { freePort } from '../../infra/stack/ports';
import { serverBinary } from '../../infra/stack/server-binaries';
import type { ArtifactStore } from '../../storage/artifact-store';
import { openStoreFromEnvironment } from '../../storage/open-store';
import { runCommand } from '../cli/run-command';
import { Authority, describeWithOpenssl } from '../temporal/certificates';

jest.setTimeout(120_000);

/** Not the default: a request signed for another is refused. */
const REGION = 'eu-north-1';
const CREDENTIALS = { accessKeyId: 'someone', secretAccessKey: 'a-secret-of-some-length' };

const before = process.env;
/** Nothing of whoever runs the tests, and no machine metadata. */
const clean: NodeJS.ProcessEnv = {
  ...Object.fromEntries(Object.entries(before).filter(([name]) => !/^(TEMPORAL|S3|AWS|SEAL)_|^NODE_EXTRA_CA_CERTS$/.test(name))),
  AWS_EC2_METADATA_DISABLED: 'true',
};
let home: string;
let processes: OwnProcesses;
let plain: string;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'seal-aws-'));
  processes = new OwnProcesses(home);
  plain = await startServer('plain', []);
});
afterAll(async () => {
  for (const name of ['plain', 'tls', 'expired']) await processes.stop(name);
  process.env = before;
  rmSync(home, { recursive: true, force: true });
});

async function startServer(name: string, flags: readonly string[]): Promise<string> {
  const objects = join(home, `${name}-objects`);
  mkdirSync(objects);
  const port = await freePort(0);
  const endpoint = `${flags.length === 0 ? 'http' : 'https'}://127.0.0.1:${port}`;
  const server = processes.launch({
    name,
    command: await serverBinary('versitygw', () => undefined),
    args: ['--port', `127.0.0.1:${port}`, '--region', REGION, '--quiet', ...flags, 'posix', '--sidecar', mkdtempSync(join(home, 'sidecar-')), objects],
    env: { ...clean, ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId, ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey },
    purpose: endpoint,
  });
  await server.waitUntil(() => answers(endpoint, 1_000), 20_000);
  return endpoint;
}

/** Writes and reads with what the environment says. */
async function roundTrip(env: NodeJS.ProcessEnv): Promise<string> {
  process.env = { ...clean, SEAL_HOME: join(home, 'nothing'), S3_ENDPOINT: plain, ...env };
  const store = await openStoreFromEnvironment();
  try {
    const ref = await store.put(Buffer.from('kept'), 'text/plain');
    return Buffer.from(await store.get(ref)).toString();
  } finally {
    store.close();
  }
}

const named = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId, AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey };

function awsFiles(profile: string): NodeJS.ProcessEnv {
  const [credentials, config] = [join(home, `${profile}-credentials`), join(home, `${profile}-config`)];
  writeFileSync(credentials, `[${profile}]\naws_access_key_id = ${CREDENTIALS.accessKeyId}\naws_secret_access_key = ${CREDENTIALS.secretAccessKey}\n`);
  writeFileSync(config, `[${profile === 'default' ? '' : 'profile '}${profile}]\nregion = ${REGION}\n`);
  return { AWS_SHARED_CREDENTIALS_FILE: credentials, AWS_CONFIG_FILE: config };
}

describe('credentials and region are found where AWS has them', () => {
  it('in the environment', async () => {
    expect(await roundTrip({ ...named, AWS_REGION: REGION })).toBe('kept');
    expect(await roundTrip({ ...named, AWS_DEFAULT_REGION: REGION })).toBe('kept');
  });

  it('in the environment, where the SDK too takes what is set to nothing for not set', async () => {
    const empty = { AWS_USE_FIPS_ENDPOINT: '', AWS_USE_DUALSTACK_ENDPOINT: '', AWS_RETRY_MODE: '', AWS_PROFILE: '', AWS_CA_BUNDLE: '', AWS_SESSION_TOKEN: '', S3_BUCKET: '' };
    expect(await roundTrip({ ...named, AWS_REGION: REGION, ...empty })).toBe('kept');
  });

  it('in the shared files, of the default profile and of a named one', async () => {
    expect(await roundTrip(awsFiles('default'))).toBe('kept');
    expect(await roundTrip({ ...awsFiles('training'), AWS_PROFILE: 'training' })).toBe('kept');
  });

  it('from a program that a profile names', async () => {
    const program = join(home, 'credentials.sh');
    const said = JSON.stringify({ Version: 1, AccessKeyId: CREDENTIALS.accessKeyId, SecretAccessKey: CREDENTIALS.secretAccessKey });
    writeFileSync(program, `#!/bin/sh\necho '${said}'\n`);
    chmodSync(program, 0o700);
    writeFileSync(join(home, 'process-config'), `[default]\nregion = ${REGION}\ncredential_process = ${program}\n`);
    expect(await roundTrip({ AWS_CONFIG_FILE: join(home, 'process-config'), AWS_SHARED_CREDENTIALS_FILE: join(home, 'none') })).toBe('kept');
  });

  it('from the container that this runs in', async () => {
    const metadata = createServer((request, response) => {
      const allowed = request.headers.authorization === 'a token';
      response.writeHead(allowed ? 200 : 401, { 'content-type': 'application/json' });
      const expiration = new Date(Date.now() + 3_600_000).toISOString();
      response.end(JSON.stringify({ AccessKeyId: CREDENTIALS.accessKeyId, SecretAccessKey: CREDENTIALS.secretAccessKey, Token: '', Expiration: expiration }));
    });
    await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(metadata.address() as AddressInfo).port}/`;
    const none = { AWS_SHARED_CREDENTIALS_FILE: join(home, 'none'), AWS_CONFIG_FILE: join(home, 'none') };
    const container = { ...none, AWS_REGION: REGION, AWS_CONTAINER_CREDENTIALS_FULL_URI: address, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'a token' };
    expect(await roundTrip(container)).toBe('kept');
    await new Promise((resolve) => metadata.close(resolve));
  });

  it('and nowhere else: without any, or with wrong ones, one line says so', async () => {
    const none = { AWS_SHARED_CREDENTIALS_FILE: join(home, 'none'), AWS_CONFIG_FILE: join(home, 'none') };
    const line = `S3 credentials for bucket seal at ${plain}: expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or another usual AWS source) that may use it, got `;
    await expect(roundTrip({ ...none, AWS_REGION: REGION })).rejects.toThrow(`${line}CredentialsProviderError`);
    await expect(roundTrip({ ...named, AWS_SECRET_ACCESS_KEY: 'wrong', AWS_REGION: REGION })).rejects.toThrow(line);
    await expect(roundTrip({ ...named, AWS_ACCESS_KEY_ID: 'nobody', AWS_REGION: REGION })).rejects.toThrow(line);
  });
});

it('a command that the store does not let in ends with one line, and nothing is started or written', async () => {
  const client = join(home, 'client');
  const wrong = { ...clean, ...named, AWS_SECRET_ACCESS_KEY: 'wrong', AWS_REGION: REGION, SEAL_HOME: client, S3_ENDPOINT: plain };
  const line = `S3 credentials for bucket seal at ${plain}: expected AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or another usual AWS source) that may use it, got SignatureDoesNotMatch for bucket: `;
  const unknown = { ...wrong, AWS_ACCESS_KEY_ID: 'nobody' };
  for (const [env, said] of [[wrong, line], [unknown, line.replace('SignatureDoesNotMatch', 'XAdminUserNotFound')]] as const) {
    process.env = env;
    const { exitCode, stdout, stderr } = await runCommand(['up']);
    expect({ exitCode, stdout, stderr, lines: stderr.trimEnd().split('\n').length }).toEqual({ exitCode: 2, stdout: '', stderr: expect.stringContaining(said), lines: 1 });
  }
  expect(existsSync(client)).toBe(false);
  process.env = wrong;
  const { checks } = JSON.parse((await runCommand(['doctor', '--json'])).stdout);
  expect(checks).toContainEqual({ name: 'S3 access', ok: false, detail: expect.stringContaining(line), advice: expect.stringContaining('AWS_*') });
  process.env = { ...wrong, ...named };
  expect(JSON.parse((await runCommand(['doctor', '--json'])).stdout).checks).toContainEqual({ name: 'S3 access', ok: true, detail: 'granted', advice: null });
});

describe('credentials that are exchanged while a campaign runs', () => {
  const STATUS = { ExpiredToken: 400, InvalidAccessKeyId: 403 } as const;
  /** Lets in one key, by its id alone; a HEAD is answered without a body, as S3 does. */
  let accepted: string;
  let refusal: keyof typeof STATUS;
  let server: Server;
  let file: string;
  let store: ArtifactStore;

  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume().once('end', () => {
        if (request.headers.authorization?.includes(`Credential=${accepted}/`)) return response.writeHead(request.method === 'HEAD' && request.url !== '/seal' ? 404 : 200).end();
        response.writeHead(STATUS[refusal], { 'content-type': 'application/xml' });
        return response.end(request.method === 'HEAD' ? undefined : `<Error><Code>${refusal}</Code><Message>it is told why</Message></Error>`);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    file = join(home, 'exchanged');
    exchange('first');
    process.env = {
      ...{ ...clean, SEAL_HOME: join(home, 'nothing'), S3_ENDPOINT: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
      ...{ AWS_SHARED_CREDENTIALS_FILE: file, AWS_CONFIG_FILE: join(home, 'none'), AWS_REGION: REGION },
    };
    accepted = 'first';
    store = await openStoreFromEnvironment();
  });
  afterAll(async () => {
    store.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  const exchange = (id: string): void => writeFileSync(file, `[default]\naws_access_key_id = ${id}\naws_secret_access_key = a-secret\n`);
  const put = (): Promise<unknown> => store.put(Buffer.from('kept'), 'text/plain');

  it.each(['ExpiredToken', 'InvalidAccessKeyId'] as const)('are found where they are, by several requests at once, once the store refuses the old ones with %s', async (code) => {
    refusal = code;
    accepted = `after ${code}`.replace(' ', '-');
    const refused: unknown = await put().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StoreRefusedError);
    expect((refused as Error).message).toContain(`${code === 'ExpiredToken' ? 'that have not expired' : 'that may use it'}, got ${code} for sha256/`);
    expect((refused as Error).message).toContain('it is told why');
    exchange(accepted);
    await expect(Promise.all([put(), put(), put()])).resolves.toHaveLength(3);
  });
});

describeWithOpenssl('S3 by TLS (needs openssl)', () => {
  let authority: Authority;
  let secure: string;
  let expired: string;
  beforeAll(async () => {
    authority = new Authority(home, 'authority');
    const [own, old] = [authority.issue('s3'), authority.issue('old', { days: -1 })];
    secure = await startServer('tls', ['--cert', own.certificate, '--key', own.key]);
    expired = await startServer('expired', ['--cert', old.certificate, '--key', old.key]);
  });
  const access = { ...named, AWS_REGION: REGION };
  const trusted = (): NodeJS.ProcessEnv => ({ ...access, S3_ENDPOINT: secure, AWS_CA_BUNDLE: authority.files.certificate });

  it('is trusted by an authority of your own', async () => {
    expect(await roundTrip(trusted())).toBe('kept');
    process.env = { ...clean, SEAL_HOME: join(home, 'nothing'), ...trusted() };
    expect(JSON.parse((await runCommand(['doctor', '--json'])).stdout).checks).toContainEqual({ name: 'S3 server', ok: true, detail: secure, advice: null });
  });

  const table: readonly (readonly [name: string, env: () => NodeJS.ProcessEnv, line: () => string])[] = [
    ['of an unknown authority', () => ({ ...trusted(), AWS_CA_BUNDLE: '' }), () => `the S3 server at ${secure} is not trusted: unable to verify the first certificate; AWS_CA_BUNDLE`],
    ['that has expired', () => ({ ...trusted(), S3_ENDPOINT: expired }), () => `the S3 server at ${expired} is not trusted: certificate has expired; AWS_CA_BUNDLE`],
    ['for another name', () => ({ ...trusted(), S3_ENDPOINT: secure.replace('127.0.0.1', 'localhost') }), () => "is not trusted: Hostname/IP does not match certificate's altnames: Host: localhost."],
    ['where there is no TLS', () => ({ ...trusted(), S3_ENDPOINT: plain.replace('http:', 'https:') }), () => 'is not trusted: '],
    ['beside a bundle that is not there', () => ({ ...trusted(), AWS_CA_BUNDLE: join(home, 'none') }), () => `AWS_CA_BUNDLE ${join(home, 'none')}: expected a readable file of certificates in PEM, got ENOENT`],
  ];
  it.each(table)('refuses a certificate %s', async (_name, env, line) => {
    await expect(roundTrip(env())).rejects.toThrow(line());
  });
});

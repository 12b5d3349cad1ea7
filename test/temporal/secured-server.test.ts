import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { embeddedCredentials } from '../../infra/stack/object-server';
import { startStack, stopStack } from '../../infra/stack/stack';
import { runCommand } from '../cli/run-command';
import { eventually } from '../workflows/temporal-fixture';
import { Authority, type CertificateFiles, describeWithOpenssl } from './certificates';
import { RefusingStack, type RunningWorker, runWorker } from './refusing-stack';
import { authorisingProxy, type Proxy, tlsProxy } from './temporal-proxies';

jest.setTimeout(180_000);

const before = process.env;
/** Nothing of whoever runs the tests. */
const clean = Object.fromEntries(Object.entries(before).filter(([name]) => !/^(TEMPORAL|S3|AWS|SEAL)_/.test(name)));
const API_KEY = 'a-key-of-some-length';

let stack: RefusingStack;
let home: string;
let plain: string;
let s3: string;
/** The S3 server, by which no Temporal server is found. */
let workerEnv: NodeJS.ProcessEnv;
const proxies: Proxy[] = [];

/** A server of the user's own: the embedded one of another home, behind proxies. */
beforeAll(async () => {
  stack = await RefusingStack.start('secured', { ...clean });
  home = stack.directory;
  plain = stack.status.temporal!.address;
  s3 = stack.status.s3!.address;
  const { accessKeyId, secretAccessKey } = await embeddedCredentials(stack.home);
  workerEnv = { SEAL_HOME: join(home, 'client'), S3_ENDPOINT: s3, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
});
afterAll(async () => {
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  process.env = before;
  await stack.stop();
});

async function running(proxy: Promise<Proxy>): Promise<string> {
  proxies.push(await proxy);
  return proxies.at(-1)!.address;
}

interface Ended {
  readonly exitCode: number | null;
  readonly stderr: string;
}

function command(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Ended> {
  process.env = { ...clean, SEAL_HOME: join(home, 'client'), ...env };
  return runCommand(args);
}

function worker(env: NodeJS.ProcessEnv, args: readonly string[] = []): RunningWorker {
  return runWorker({ ...clean, ...workerEnv, ...env }, args);
}

/** Refused by the command line and by the worker alike, in one line, with nothing written. */
async function expectRefusal(env: NodeJS.ProcessEnv, line: string | RegExp): Promise<void> {
  const matching = typeof line === 'string' ? expect.stringContaining(line) : expect.stringMatching(line);
  for (const args of [['start', stack.campaign, '--id', 'never'], ['up']]) {
    const { exitCode, stderr } = await command(env, ...args);
    expect({ args, exitCode, stderr, lines: stderr.trimEnd().split('\n').length }).toEqual({ args, exitCode: 2, stderr: matching, lines: 1 });
  }
  expect(await worker(env).ended).toEqual({ exitCode: 2, said: [expect.objectContaining({ level: 'ERROR', message: matching })] });
  expect(stack.artifacts()).toEqual([]);
}

describeWithOpenssl('a server that wants TLS and client certificates (needs openssl)', () => {
  let authority: Authority;
  let stranger: Authority;
  let own: CertificateFiles;
  let client: CertificateFiles;
  let address: string;
  beforeAll(async () => {
    authority = new Authority(home, 'authority');
    stranger = new Authority(home, 'stranger');
    own = authority.issue('server');
    client = authority.issue('client');
    address = await running(tlsProxy(plain, own, authority.files));
  });

  function mutual(overrides: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
    return {
      TEMPORAL_ADDRESS: address,
      TEMPORAL_TLS_SERVER_CA_CERT_PATH: authority.files.certificate,
      TEMPORAL_TLS_CLIENT_CERT_PATH: client.certificate,
      TEMPORAL_TLS_CLIENT_KEY_PATH: client.key,
      ...overrides,
    };
  }

  it('is used by the command line, by up, by the doctor and by a profile of a TOML file', async () => {
    expect(await command(mutual(), 'list')).toMatchObject({ exitCode: 0 });
    expect(await command(mutual({ S3_ENDPOINT: s3 }), 'doctor')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`Temporal server: ${address}, namespace seal`) });
    const file = join(home, 'temporal.toml');
    const { certificate, key } = client;
    writeFileSync(
      file,
      `[profile.mine]\naddress = "${address}"\nnamespace = "seal"\n[profile.mine.tls]\nserver_ca_cert_path = "${authority.files.certificate}"\nclient_cert_path = "${certificate}"\nclient_key_path = "${key}"\n`,
    );
    expect(await command({ TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: 'mine' }, 'list')).toMatchObject({ exitCode: 0 });
    const other = join(home, 'other');
    const { temporal } = await startStack({ home: other, env: { ...clean, ...mutual(), S3_ENDPOINT: s3 }, worker: false });
    expect(temporal).toMatchObject({ address, answers: true, pid: null });
    // What was named to `up` is known to later commands; what secures it is theirs to know.
    expect(await command({ ...mutual({ TEMPORAL_ADDRESS: '' }), SEAL_HOME: other }, 'list')).toMatchObject({ exitCode: 0 });
    await stopStack({ home: other });
  });

  it('is served by a worker', async () => {
    const serving = worker(mutual(), ['--queues', 'orchestration']);
    await eventually('the worker to serve', () => serving.said.some(({ message }) => message.startsWith('serving orchestration')), 60_000);
    serving.stop('SIGTERM');
    expect((await serving.ended).exitCode).toBe(0);
  });

  it('refuses who has no certificate, in words', async () => {
    await expectRefusal(mutual({ TEMPORAL_TLS_CLIENT_CERT_PATH: '', TEMPORAL_TLS_CLIENT_KEY_PATH: '' }), `Temporal at ${address}: expected a TLS connection, got a server that wants a client certificate (TEMPORAL_TLS_CLIENT_CERT_PATH)`);
  });

  it('refuses a certificate of another authority', async () => {
    const { certificate, key } = stranger.issue('client');
    await expectRefusal(mutual({ TEMPORAL_TLS_CLIENT_CERT_PATH: certificate, TEMPORAL_TLS_CLIENT_KEY_PATH: key }), new RegExp(`^Temporal at ${address}: expected a TLS connection, got (a server that refuses our client certificate|one that the server closed after the handshake: it may want another client certificate)`));
  });

  it('is not asked with a certificate that has expired, or without its key', async () => {
    const expired = authority.issue('expired-client', { days: -1 });
    await expectRefusal(mutual({ TEMPORAL_TLS_CLIENT_CERT_PATH: expired.certificate, TEMPORAL_TLS_CLIENT_KEY_PATH: expired.key }), `client certificate ${expired.certificate}: expected one that is valid now, got one that expired on `);
    await expectRefusal(mutual({ TEMPORAL_TLS_CLIENT_KEY_PATH: expired.key }), `client key ${expired.key}: expected the key of the client certificate, got another key`);
    await expectRefusal(mutual({ TEMPORAL_TLS_CLIENT_KEY_PATH: '' }), 'TEMPORAL_TLS_CLIENT_CERT_PATH, TEMPORAL_TLS_CLIENT_KEY_PATH: expected both or neither, got only a certificate');
    const missing = join(home, 'nothing.crt');
    await expectRefusal(mutual({ TEMPORAL_TLS_CLIENT_CERT_PATH: missing }), `TEMPORAL_TLS_*: expected a configuration that the Temporal SDK can read, got ${missing} (no such file)`);
  });

  it('is not trusted where its certificate has expired, is of another authority or for another name', async () => {
    const expired = await running(tlsProxy(plain, authority.issue('expired', { days: -1 })));
    await expectRefusal(mutual({ TEMPORAL_ADDRESS: expired }), `Temporal at ${expired}: expected a TLS connection, got a server's certificate that has expired`);
    await expectRefusal(mutual({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: stranger.files.certificate }), `Temporal at ${address}: expected a TLS connection, got a server's certificate of an unknown authority (TEMPORAL_TLS_SERVER_CA_CERT_PATH`);
    const elsewhere = await running(tlsProxy(plain, authority.issue('elsewhere', { address: 'DNS:temporal.example' })));
    await expectRefusal(mutual({ TEMPORAL_ADDRESS: elsewhere }), `Temporal at ${elsewhere}: expected a TLS connection, got a server's certificate for another name`);
    expect(await command(mutual({ TEMPORAL_ADDRESS: elsewhere, TEMPORAL_TLS_SERVER_NAME: 'temporal.example' }), 'list')).toMatchObject({ exitCode: 0 });
  });

  it('is told apart from one without TLS', async () => {
    await expectRefusal(mutual({ TEMPORAL_ADDRESS: plain }), `Temporal at ${plain}: expected a TLS connection, got a server that does not speak TLS`);
    await expectRefusal({ TEMPORAL_ADDRESS: address }, `Temporal at ${address}: expected a server without TLS (TEMPORAL_TLS is not set), got one that speaks TLS`);
  });
});

describe('a server that wants an API key', () => {
  let address: string;
  beforeAll(async () => {
    address = await running(authorisingProxy(plain, API_KEY));
  });
  // A key without TLS is only sent to this very machine.
  const keyed = (apiKey: string): NodeJS.ProcessEnv => ({ TEMPORAL_ADDRESS: address, TEMPORAL_API_KEY: apiKey, TEMPORAL_TLS: 'false' });

  it('lets in who has it', async () => {
    expect(await command(keyed(API_KEY), 'list')).toMatchObject({ exitCode: 0 });
  });

  it('refuses another key, and none', async () => {
    const line = `Temporal at ${address}: expected credentials that may do this (TEMPORAL_API_KEY, or the client certificate that TEMPORAL_TLS_CLIENT_CERT_PATH names), got Request unauthorized.`;
    await expectRefusal(keyed('another-key-of-some-length'), line);
    await expectRefusal({ TEMPORAL_ADDRESS: address }, line);
  });

  it('needs no right to change anything where all that is needed is there, and says what is missing where not', async () => {
    const reading = (method: string): boolean => !/RegisterNamespace|AddSearchAttributes/.test(method);
    const readOnly = { ...keyed(API_KEY), TEMPORAL_ADDRESS: await running(authorisingProxy(plain, API_KEY, reading)) };
    const up = { env: { ...clean, ...readOnly, S3_ENDPOINT: s3 }, worker: false };
    const other = join(home, 'read-only');
    expect((await startStack({ ...up, home: other })).temporal).toMatchObject({ answers: true });
    await stopStack({ home: other });
    const { exitCode, stderr } = await command({ ...workerEnv, ...readOnly, TEMPORAL_NAMESPACE: 'another' }, 'up');
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: `Temporal at ${readOnly.TEMPORAL_ADDRESS}, namespace another: expected the search attributes SealCampaign (keyword), SealEpoch (int), SealContext (keyword), SealStatus (keyword), SealReward (double), or credentials that may add them, got not for this key\n`,
    });
  });

  it('does not get it in the clear', async () => {
    const { exitCode, stderr } = await command({ ...keyed(API_KEY), TEMPORAL_ADDRESS: 'temporal.example:7233' }, 'list');
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: 'TEMPORAL_API_KEY: expected TLS on the way to temporal.example:7233, since a key is a secret, got TLS switched off\n' });
  });
});

describe('a configuration file', () => {
  const table: readonly (readonly [name: string, content: string, env: NodeJS.ProcessEnv, line: string])[] = [
    ['without that profile', '[profile.other]\n', { TEMPORAL_PROFILE: 'mine' }, "got Profile 'mine' not found in config data"],
    ['without any', '', { TEMPORAL_PROFILE: 'mine' }, 'got a file without [profile.NAME]'],
    ['that is no TOML', '[profile\n', {}, 'expected a configuration that the Temporal SDK can read, got '],
  ];
  it.each(table)('%s is named', async (_name, content, env, line) => {
    const file = join(home, 'bad.toml');
    writeFileSync(file, content);
    const { exitCode, stderr } = await command({ ...env, TEMPORAL_CONFIG_FILE: file }, 'list');
    expect({ exitCode, stderr, lines: stderr.trimEnd().split('\n').length }).toEqual({ exitCode: 2, stderr: expect.stringContaining(line), lines: 1 });
    expect(stderr).toContain(file);
  });

  it('that is not there is named', async () => {
    const { exitCode, stderr } = await command({ TEMPORAL_CONFIG_FILE: join(home, 'nothing.toml') }, 'list');
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: `TEMPORAL_CONFIG_FILE: expected a TOML file, got ${join(home, 'nothing.toml')}, which is not there\n` });
  });
});

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { connectTemporal, openTemporalClient } from '../../temporal/connect';
import { type CodecServerOptions, type RunningCodecServer, serveCodec } from '../../temporal/encryption/codec-server';
import { dataConverter } from '../../temporal/encryption/data-converter';
import { EncryptionCodec } from '../../temporal/encryption/encryption-codec';
import { addKey } from '../../temporal/encryption/key-file';
import { serverBinary } from '../../infra/stack/server-binaries';
import { startStack, stopStack } from '../../infra/stack/stack';
import { temporalSettings } from '../../settings/temporal';

jest.setTimeout(120_000);

const UI = 'http://127.0.0.1:8233';
let home: string;
let env: NodeJS.ProcessEnv;
let codec: EncryptionCodec;
let server: RunningCodecServer;
let options: CodecServerOptions;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'seal-codec-'));
  addKey(join(home, 'keys.json'), 'k1', true);
  env = { ...process.env, TEMPORAL_ADDRESS: '', S3_ENDPOINT: '', SEAL_HOME: home, SEAL_CODEC_KEYS: join(home, 'keys.json') };
  [codec] = dataConverter(env).payloadCodecs;
  options = { codec, host: '127.0.0.1', port: 0, origins: [UI], token: null, namespace: 'seal' };
  server = await serveCodec(options);
});
afterAll(async () => {
  await server.close();
  rmSync(home, { recursive: true, force: true });
});

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly url?: string;
}

async function ask({ path = '/decode', method = 'POST', headers = {}, body, url = server.url }: Asked) {
  const sent = method === 'POST' ? { body: body ?? '{"payloads": []}' } : {};
  const response = await fetch(`${url}${path}`, { method, headers: { 'content-type': 'application/json', ...headers }, ...sent });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: () => JSON.parse(text) as { payloads: { metadata: Record<string, string>; data: string }[]; message: string } };
}

const plain = { metadata: { encoding: Buffer.from('json/plain').toString('base64') }, data: Buffer.from('"canary"').toString('base64') };

it('encrypts what it is sent, and gives it back', async () => {
  const encoded = await ask({ path: '/encode', body: JSON.stringify({ payloads: [plain] }), headers: { 'x-namespace': 'seal' } });
  const [payload] = encoded.json().payloads;
  expect(Buffer.from(payload!.metadata['encoding']!, 'base64').toString()).toBe('binary/encrypted');
  expect(Buffer.from(payload!.metadata['encryption-key-id']!, 'base64').toString()).toBe('k1');
  expect(Buffer.from(payload!.data, 'base64').includes('canary')).toBe(false);
  const decoded = await ask({ body: JSON.stringify({ payloads: [payload, plain] }) });
  expect(decoded.json().payloads).toEqual([plain, plain]);
  expect(decoded.headers.get('cache-control')).toBe('no-store');
});

it("lets the web UI's page ask, and no other", async () => {
  const asked = await ask({ method: 'OPTIONS', headers: { origin: UI, 'access-control-request-method': 'POST' } });
  expect([asked.status, asked.headers.get('access-control-allow-origin'), asked.headers.get('access-control-allow-headers')]).toEqual([204, UI, 'authorization, content-type, x-namespace']);
  expect((await ask({ headers: { origin: UI } })).headers.get('access-control-allow-origin')).toBe(UI);
  for (const origin of ['http://127.0.0.1:8234', 'https://evil.example', 'null']) {
    for (const method of ['OPTIONS', 'POST']) {
      const refused = await ask({ method, headers: { origin } });
      expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    }
  }
});

const refused: readonly (readonly [name: string, asked: Asked, status: number])[] = [
  ['another path', { path: '/' }, 404],
  ['another method', { method: 'GET' }, 405],
  ['another namespace', { headers: { 'x-namespace': 'other' } }, 403],
  ['what a form of any web page may send', { headers: { 'content-type': 'text/plain' } }, 415],
  ['no JSON', { body: '{' }, 400],
  ['something else', { body: '{"payloads": [{"data": 3}]}' }, 400],
];
it.each(refused)('refuses %s', async (_name, asked, status) => {
  expect((await ask(asked)).status).toBe(status);
});

it('names the key that it does not have, and a payload that was changed', async () => {
  const other = new EncryptionCodec({ where: 'x', active: { id: 'k2', bytes: Buffer.alloc(32), check: 'c' }, keys: new Map() });
  const [foreign] = await other.encode([defaultPayloadConverter.toPayload('x')]);
  const [changed] = await codec.encode([defaultPayloadConverter.toPayload('x')]);
  changed!.data![20]! ^= 1;
  const sent = [foreign, changed].map((payload) => ({
    metadata: Object.fromEntries(Object.entries(payload!.metadata!).map(([name, value]) => [name, Buffer.from(value).toString('base64')])),
    data: Buffer.from(payload!.data!).toString('base64'),
  }));
  const [first, second] = await Promise.all(sent.map((payload) => ask({ body: JSON.stringify({ payloads: [payload] }) })));
  expect([first!.status, first!.json().message]).toEqual([400, expect.stringContaining('expected the key "k2"')]);
  expect([second!.status, second!.json().message]).toEqual([400, expect.stringContaining('"k1" has been changed')]);
});

it('wants a token beyond loopback, and from everybody where there is one', async () => {
  await expect(serveCodec({ ...options, host: '0.0.0.0' })).rejects.toThrow('--host 0.0.0.0: expected a token (SEAL_CODEC_TOKEN)');
  const guarded = await serveCodec({ ...options, token: 'open sesame' });
  const statuses = await Promise.all(
    [{}, { authorization: 'Bearer open' }, { authorization: 'open sesame' }, { authorization: 'Bearer open sesame' }].map(
      async (headers) => (await ask({ url: guarded.url, headers })).status,
    ),
  );
  expect(statuses).toEqual([401, 401, 401, 200]);
  await guarded.close();
});

it('says that its port is taken', async () => {
  const port = Number(new URL(server.url).port);
  await expect(serveCodec({ ...options, port })).rejects.toThrow(`--host 127.0.0.1 --port ${port}: expected an address of this machine that is free, got EADDRINUSE`);
});

describe('with a real server', () => {
  beforeAll(async () => {
    await startStack({ home, env, ports: { temporal: 0, ui: null, s3: 0 }, worker: false });
  });
  afterAll(() => stopStack({ home }));

  it('shows the temporal program what the server does not know', async () => {
    const { client, connection, settings } = await openTemporalClient(temporalSettings(env), { env });
    await client.workflow.start('nothing', { workflowId: 'shown', taskQueue: 'nobody', args: [{ passage: 'canary of the history' }] });
    await connection.close();
    const temporal = await serverBinary('temporal', () => undefined);
    const show = async (...flags: string[]): Promise<string> => {
      const args = ['workflow', 'show', '--workflow-id', 'shown', '--address', settings.address, '--namespace', settings.namespace, '--output', 'json', ...flags];
      return (await promisify(execFile)(temporal, args)).stdout;
    };
    const bare = await show();
    expect(bare).toContain(Buffer.from('binary/encrypted').toString('base64'));
    const shown = Buffer.from(JSON.stringify({ passage: 'canary of the history' })).toString('base64');
    expect(bare).not.toContain(shown);
    expect(await show('--codec-endpoint', server.url)).toContain(shown);
  });

  it('tells a client without keys, or with others, which key is missing', async () => {
    const settings = temporalSettings(env);
    const connection = await connectTemporal(settings);
    const started = { workflowId: 'read', taskQueue: 'nobody', args: ['x'], memo: { note: 'canary of the memo' } };
    await new Client({ connection, namespace: settings.namespace, dataConverter: dataConverter(env) }).workflow.start('nothing', started);
    addKey(join(home, 'others.json'), 'k1', true);
    for (const [keys, got] of [['', 'no keys'], [join(home, 'others.json'), 'another key of that name']] as const) {
      const client = new Client({ connection, namespace: settings.namespace, dataConverter: dataConverter({ SEAL_CODEC_KEYS: keys }) });
      await expect(client.workflow.getHandle('read').describe()).rejects.toThrow(`expected the key "k1" that this payload was encrypted with, got ${got}`);
    }
    await connection.close();
  });
});

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readKeys } from '../../temporal/encryption/key-source';
import { stackStatus } from '../../infra/stack/stack-status';
import { findPeerPython } from '../../bench/peer';
import { codecKeys, codecToken } from '../../settings/codec';
import { computeProcessSettings } from '../../settings/compute';
import { wantsStacks } from '../../settings/environment';
import { hangLimit } from '../../settings/hang-limit';
import { cacheBytes, diskQuotaBytes, sealHome } from '../../settings/home';
import { namedBucket, namedS3Endpoint, s3Settings } from '../../settings/s3';
import { telemetrySettings } from '../../settings/telemetry';
import { namedAddress, namedNamespace, temporalSettings } from '../../settings/temporal';
import { readWorkerSettings } from '../../settings/worker';
import { secretsFingerprint, workerEnvironment } from '../../settings/worker-environment';
import { runCommand } from '../cli/run-command';

/** One sensible value of each variable that the room reads. */
const VALUES: Readonly<Record<string, string>> = {
  SEAL_HOME: '/tmp/seal-nowhere',
  SEAL_DISK_QUOTA_GB: '3',
  SEAL_CACHE_GB: '2',
  SEAL_DEBUG: '1',
  SEAL_HANG_SECONDS: '30',
  SEAL_DRAIN_SECONDS: '5',
  SEAL_DEPLOYMENT: 'fleet',
  SEAL_BUILD_ID: 'build-1',
  SEAL_LOG_LEVEL: 'WARN',
  SEAL_METRICS_ADDRESS: '9464',
  SEAL_HEALTH_ADDRESS: '9465',
  SEAL_CODEC_KEYS: 'keys.json',
  SEAL_CODEC_TOKEN: 'token',
  SEAL_COMPUTE_THREADS: '3',
  SEAL_COMPUTE_PROFILE: 'trace',
  S3_ENDPOINT: 'https://s3.example.com',
  S3_BUCKET: 'mine',
  AWS_REGION: 'eu-central-1',
  AWS_DEFAULT_REGION: 'eu-west-1',
  AWS_CA_BUNDLE: 'ca.pem',
  AWS_CONFIG_FILE: 'aws-config',
  AWS_SHARED_CREDENTIALS_FILE: 'aws-credentials',
  AWS_WEB_IDENTITY_TOKEN_FILE: 'token.jwt',
  NODE_EXTRA_CA_CERTS: 'extra.pem',
  TEMPORAL_ADDRESS: 'temporal.example.com:7233',
  TEMPORAL_NAMESPACE: 'mine',
  TEMPORAL_API_KEY: 'key',
  TEMPORAL_PROFILE: 'none-of-this-name',
  TEMPORAL_CONFIG_FILE: '/tmp/seal-nowhere.toml',
  TEMPORAL_TLS: 'true',
  TEMPORAL_TLS_SERVER_NAME: 'temporal',
  TEMPORAL_TLS_CLIENT_CERT_PATH: 'client.pem',
  TEMPORAL_TLS_CLIENT_KEY_PATH: 'client.key',
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: 'ca.pem',
  OTEL_SDK_DISABLED: 'true',
  OTEL_SERVICE_NAME: 'seal',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector:4318/v1/traces',
};

const READERS: Readonly<Record<string, (env: NodeJS.ProcessEnv) => unknown>> = {
  ...{ codecKeys, codecToken, computeProcessSettings, wantsStacks, hangLimit, diskQuotaBytes, cacheBytes, sealHome },
  ...{ namedBucket, namedS3Endpoint, s3Settings, telemetrySettings, namedAddress, namedNamespace, temporalSettings },
  worker: (env) => readWorkerSettings(env, []),
  keys: (env) => readKeys(env),
  secrets: secretsFingerprint,
  paths: (env) => Object.fromEntries(Object.entries(workerEnvironment(env)).filter(([, value]) => value !== '')),
};

/** What each reader gives, or says is wrong. */
function readAll(env: NodeJS.ProcessEnv): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(READERS).map(([name, read]) => {
      try {
        return [name, read(env)];
      } catch (error) {
        return [name, String(error)];
      }
    }),
  );
}

const without = (env: NodeJS.ProcessEnv, name: string): NodeJS.ProcessEnv => Object.fromEntries(Object.entries(env).filter(([other]) => other !== name));

describe('a variable that is set to nothing is not set', () => {
  it.each(Object.keys(VALUES))('%s, beside nothing and beside all others', (name) => {
    expect(readAll({ [name]: '' })).toEqual(readAll({}));
    expect(readAll({ ...VALUES, [name]: '' })).toEqual(readAll(without(VALUES, name)));
    // Else nothing of the above would be about it.
    expect([readAll({ [name]: VALUES[name]! }), readAll(VALUES)]).not.toEqual([readAll({}), readAll(without(VALUES, name))]);
  });

  it('of every variable that the room names', () => {
    const room = join(__dirname, '..', '..', '..', 'settings');
    const sources = readdirSync(room).map((file) => readFileSync(join(room, file), 'utf8')).join('\n');
    const named = new Set([...sources.matchAll(/'((?:SEAL|S3|AWS|TEMPORAL|OTEL)_[A-Z0-9_]*[A-Z0-9])'/g)].map(([, name]) => name));
    named.delete('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED');
    expect([...named].filter((name) => !Object.hasOwn(VALUES, name!))).toEqual([]);
  });

  it('the Python of the benchmarks', () => {
    const repository = mkdtempSync(join(tmpdir(), 'seal-bench-'));
    try {
      mkdirSync(join(repository, 'bench'));
      writeFileSync(join(repository, 'bench', 'requirements.txt'), 'torch\n');
      expect(findPeerPython(repository, () => undefined, { PATH: '', SEAL_BENCH_PYTHON: '' })).toEqual(findPeerPython(repository, () => undefined, { PATH: '' }));
    } finally {
      rmSync(repository, { recursive: true });
    }
  });
});

describe('with SEAL_HOME="" the state is in ./.seal', () => {
  const before = { directory: process.cwd(), env: process.env };
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'seal-here-'));
    process.chdir(directory);
    process.env = { ...before.env, SEAL_HOME: '', TEMPORAL_ADDRESS: '', TEMPORAL_NAMESPACE: '', S3_ENDPOINT: '', S3_BUCKET: '', AWS_REGION: '', SEAL_DEBUG: '', SEAL_CODEC_KEYS: '' };
  });
  afterEach(() => {
    process.chdir(before.directory);
    process.env = before.env;
    rmSync(directory, { recursive: true, force: true });
  });

  it('of seal status, which also takes SEAL_DEBUG="" for no wish to see stacks', async () => {
    const { exitCode, stderr } = await runCommand(['status', 'demo']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: `no Temporal server: TEMPORAL_ADDRESS is not set and nothing runs in ${join(directory, '.seal')}; run "seal up"\n` });
    expect((await stackStatus()).home).toBe(join(directory, '.seal'));
  });

  it('of seal up', async () => {
    Object.assign(process.env, { S3_ENDPOINT: 'http://127.0.0.1:1', AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' });
    const { exitCode, stderr } = await runCommand(['up']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: 'the S3 server at http://127.0.0.1:1 does not answer; start it, or unset S3_ENDPOINT to use the embedded one\n' });
    expect(readdirSync(directory)).toEqual(['.seal']);
  });

  it('of seal doctor', async () => {
    const { stdout } = await runCommand(['doctor', '--json']);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; detail: string }[] };
    expect(checks.find(({ name }) => name === 'home')?.detail).toBe(join(directory, '.seal'));
  });
});

/** What a worker in the background is given of the environment that it is started in. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { variable } from './environment';

/** Variables that name files: the worker runs in `$SEAL_HOME`, and not where the paths were written. */
const PATHS = [
  ...['SEAL_CODEC_KEYS', 'TEMPORAL_CONFIG_FILE', 'TEMPORAL_TLS_CLIENT_CERT_PATH', 'TEMPORAL_TLS_CLIENT_KEY_PATH', 'TEMPORAL_TLS_SERVER_CA_CERT_PATH'],
  ...['AWS_CA_BUNDLE', 'AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE', 'NODE_EXTRA_CA_CERTS'],
];

/** The environment with absolute paths. */
export function workerEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const named = PATHS.flatMap((name) => {
    const value = variable(env, name);
    return value === undefined || value.trimStart().startsWith('{') ? [] : [[name, resolve(value)] as const];
  });
  return { ...env, ...Object.fromEntries(named) };
}

/** Addresses are not among them. */
const SECRETS = /^(TEMPORAL_(TLS|API_KEY|PROFILE|CONFIG_FILE|GRPC_META)|AWS_(?!SDK_JS_)|SEAL_CODEC_KEYS$|NODE_EXTRA_CA_CERTS$)/;

/** Tells whether what secures a worker's connections has changed, without telling what it is. */
export function secretsFingerprint(env: NodeJS.ProcessEnv): string {
  const named = Object.keys(env).filter((name) => SECRETS.test(name)).flatMap((name) => {
    const value = variable(env, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  return createHash('sha256').update(JSON.stringify(named.sort())).digest('hex');
}

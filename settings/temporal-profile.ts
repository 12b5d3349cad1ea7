import { createPrivateKey, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { TLSConfig } from '@temporalio/client';
import { type ClientConfigProfile, loadClientConfigProfile, loadConfigData, toClientOptions } from '@temporalio/envconfig';
import { BadInputError } from '../campaign/errors';
import { variable } from './environment';

/** How this connection is secured, as the SDK takes it. */
export interface TemporalSecurity {
  /** @default no TLS */
  readonly tls?: TLSConfig | boolean;
  readonly apiKey?: string;
  /** Headers of every call. */
  readonly metadata?: Record<string, string>;
}

/** A server as the environment names it; null where it does not say. */
export interface NamedServer {
  readonly address: string | null;
  readonly namespace: string | null;
  readonly security: TemporalSecurity;
}

/**
 * Reads the SDK's own environment configuration. Variables set to nothing count as not set. A configuration file is read only where
 * `TEMPORAL_PROFILE` or `TEMPORAL_CONFIG_FILE` asks for it: the default profile of somebody's production must not become the server of a demo.
 *
 * @throws BadInputError for a file that is not there or not a configuration, a certificate without its key or out of date, an API key without TLS
 */
export function namedServer(env: NodeJS.ProcessEnv): NamedServer {
  const profile = loadProfile(env);
  refuseUnusableCertificate(profile);
  const { connectionOptions, namespace } = readFiles(() => toClientOptions(profile));
  const { tls, apiKey, metadata } = connectionOptions;
  const address = profile.address ?? null;
  if (apiKey !== undefined && tls === false && address !== null && !isLoopback(address)) {
    throw new BadInputError({ where: 'TEMPORAL_API_KEY', expected: `TLS on the way to ${address}, since a key is a secret`, got: 'TLS switched off' });
  }
  return {
    address,
    namespace: namespace ?? null,
    security: {
      ...(tls === undefined || tls === null ? {} : { tls }),
      ...(typeof apiKey === 'string' ? { apiKey } : {}),
      ...(metadata === undefined ? {} : { metadata: metadata as Record<string, string> }),
    },
  };
}

function loadProfile(env: NodeJS.ProcessEnv): ClientConfigProfile {
  const set = Object.fromEntries(
    Object.keys(env).flatMap((name) => {
      const text = variable(env, name);
      return text === undefined ? [] : [[name, text] as const];
    }),
  );
  const file = set['TEMPORAL_CONFIG_FILE'];
  const wantsFile = file !== undefined || set['TEMPORAL_PROFILE'] !== undefined;
  if (file !== undefined && !existsSync(file)) {
    throw new BadInputError({ where: 'TEMPORAL_CONFIG_FILE', expected: 'a TOML file', got: `${file}, which is not there` });
  }
  return readFiles(
    () => loadClientConfigProfile({ overrideEnvVars: set, disableFile: !wantsFile }),
    wantsFile ? (file ?? 'temporal.toml') : 'TEMPORAL_* environment variables',
  );
}

/** The SDK speaks of files that it cannot read, or settings that contradict each other, in errors of many kinds. */
function readFiles<Value>(read: () => Value, where = 'TEMPORAL_TLS_*'): Value {
  try {
    return read();
  } catch (cause) {
    const { code, path, message } = cause as NodeJS.ErrnoException;
    const file = path === undefined ? undefined : `${path} (${code === 'ENOENT' ? 'no such file' : String(code)})`;
    // A file without a single profile.
    const got = cause instanceof TypeError ? 'a file without [profile.NAME]' : (file ?? message);
    throw new BadInputError({ where, expected: 'a configuration that the Temporal SDK can read', got }, { cause });
  }
}

/** A certificate that cannot work is found here, where it can be named; a server only closes the connection. */
function refuseUnusableCertificate({ tls }: ClientConfigProfile): void {
  if (tls === undefined || tls.disabled === true) return;
  const { clientCert, clientKey } = tls;
  if (clientCert === undefined && clientKey === undefined) return;
  if (clientCert === undefined || clientKey === undefined) {
    const missing = clientCert === undefined ? 'only a key' : 'only a certificate';
    throw new BadInputError({ where: 'TEMPORAL_TLS_CLIENT_CERT_PATH, TEMPORAL_TLS_CLIENT_KEY_PATH', expected: 'both or neither', got: missing });
  }
  const [certificateBytes, keyBytes] = readFiles(() => [loadConfigData(clientCert), loadConfigData(clientKey)] as const);
  const where = 'path' in clientCert ? `client certificate ${clientCert.path}` : 'client certificate';
  const certificate = parsed(where, 'a certificate in PEM', () => new X509Certificate(Buffer.from(certificateBytes ?? [])));
  const [from, until] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
  if (until.getTime() < Date.now()) {
    throw new BadInputError({ where, expected: 'one that is valid now', got: `one that expired on ${until.toISOString()}` });
  }
  if (from.getTime() > Date.now()) {
    throw new BadInputError({ where, expected: 'one that is valid now', got: `one that is valid from ${from.toISOString()}` });
  }
  const keyWhere = 'path' in clientKey ? `client key ${clientKey.path}` : 'client key';
  const key = parsed(keyWhere, 'a private key in PEM, without a password', () => createPrivateKey(Buffer.from(keyBytes ?? [])));
  if (!certificate.checkPrivateKey(key)) {
    throw new BadInputError({ where: keyWhere, expected: 'the key of the client certificate', got: 'another key' });
  }
}

function parsed<Value>(where: string, expected: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (cause) {
    throw new BadInputError({ where, expected, got: 'something else' }, { cause });
  }
}

/** Whether host:port is this machine itself. */
export function isLoopback(address: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/.test(address);
}

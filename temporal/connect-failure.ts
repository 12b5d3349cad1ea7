import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { BadInputError, ServerUnreachableError } from '../campaign/errors';
import type { TemporalSettings } from '../settings/temporal';
import type { TemporalSecurity } from '../settings/temporal-profile';
import { refusalOf } from './refusal';

const PROBE_TIMEOUT_MS = 3_000;
/** With TLS 1.3 a server refuses a client's certificate after the handshake. */
const REFUSAL_MS = 500;
const DEFAULT_PORT = 7233;

type Target = Pick<TemporalSettings, 'address' | 'security'>;

/**
 * What `connecting` gives, or why there is no connection, in one line. gRPC tries a connection that can never be again until its time is over, and then says
 * no more than that: so the server is asked beside it, by TCP and TLS alone, and what that finds to be wrong counts at once.
 *
 * @throws BadInputError, ServerUnreachableError
 */
export async function connectedOrExplained<Connected>(target: Target, connecting: Promise<Connected>): Promise<Connected> {
  const defect = defectOf(target);
  const failing = defect.then((found) => (found === null ? new Promise<never>(() => undefined) : Promise.reject(found)));
  try {
    return await Promise.race([connecting, failing]);
  } catch (cause) {
    const { address } = target;
    const explained = refusalOf(cause, address) ?? (await defect);
    if (explained !== null) throw explained;
    const advice = 'start it or correct TEMPORAL_ADDRESS, or unset it and run "seal up"';
    throw new ServerUnreachableError(`Temporal at ${address}: expected a server, got no answer; ${advice}`, { cause });
  }
}

/** What no repetition would mend; null where nothing of the kind is seen, or nothing answers. */
async function defectOf({ address, security }: Target): Promise<BadInputError | null> {
  const where = `Temporal at ${address}`;
  const [host, port] = hostAndPort(address);
  if (!(await answersTcp(host, port))) return null;
  if (security.tls === undefined || security.tls === false) {
    const speaksTls = (await answersTls(host, port, null)) === null;
    return speaksTls ? new BadInputError({ where, expected: 'a server without TLS (TEMPORAL_TLS is not set)', got: 'one that speaks TLS' }) : null;
  }
  const got = await answersTls(host, port, security);
  return got === null ? null : new BadInputError({ where, expected: 'a TLS connection', got });
}

function hostAndPort(address: string): [host: string, port: number] {
  const colon = address.lastIndexOf(':');
  if (colon === -1 || address.endsWith(']')) return [address.replace(/^\[|\]$/g, ''), DEFAULT_PORT];
  return [address.slice(0, colon).replace(/^\[|\]$/g, ''), Number(address.slice(colon + 1))];
}

function answersTcp(host: string, port: number): Promise<boolean> {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return Promise.resolve(false);
  return new Promise((resolve) => {
    const socket = connectTcp({ host, port });
    const end = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => end(false));
    socket.once('error', () => end(false)).once('connect', () => end(true));
  });
}

/**
 * @param security null: whether it speaks TLS at all, whoever it is
 * @returns null where it does and both sides accept each other, else what it said
 */
function answersTls(host: string, port: number, security: TemporalSecurity | null): Promise<string | null> {
  const tls = typeof security?.tls === 'object' ? security.tls : {};
  const { serverRootCACertificate: ca, clientCertPair: pair, serverNameOverride } = tls;
  return new Promise((resolve) => {
    const socket: Socket = connectTls({
      ...{ host, port, servername: serverNameOverride ?? (/^[\d.]+$|:/.test(host) ? '' : host), ALPNProtocols: ['h2'] },
      ...(ca === undefined ? {} : { ca: Buffer.from(ca) }),
      ...(pair === undefined ? {} : { cert: Buffer.from(pair.crt), key: Buffer.from(pair.key) }),
      rejectUnauthorized: security !== null,
    });
    const end = (answer: string | null): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => end('no answer to a TLS handshake'));
    socket.once('error', (error) => end(inWords(error)));
    socket.once('secureConnect', () => {
      if (security === null) return end(null);
      socket.once('end', () => end('one that the server closed after the handshake: it may want another client certificate (TEMPORAL_TLS_CLIENT_CERT_PATH)'));
      setTimeout(() => end(null), REFUSAL_MS);
    });
  });
}

function inWords(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'CERT_HAS_EXPIRED':
      return "a server's certificate that has expired";
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return "a server's certificate of an unknown authority (TEMPORAL_TLS_SERVER_CA_CERT_PATH names its certificate)";
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `a server's certificate for another name (${error.message}); TEMPORAL_TLS_SERVER_NAME says which is expected`;
    case 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED':
      return 'a server that wants a client certificate (TEMPORAL_TLS_CLIENT_CERT_PATH)';
    case 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA':
    case 'ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE':
    case 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED':
    case 'ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN':
    case 'ERR_SSL_TLSV1_ALERT_ACCESS_DENIED':
      return `a server that refuses our client certificate (${error.code.replace(/^.*_ALERT_/, '').toLowerCase().replaceAll('_', ' ')})`;
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return 'a server that does not speak TLS';
    case undefined:
    default:
      return `${error.message} (${error.code ?? 'no code'})`;
  }
}

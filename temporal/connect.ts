import { Client, type ClientInterceptors, type Connection } from '@temporalio/client';
import { environment } from '../settings/environment';
import { type TemporalSettings, temporalSettings } from '../settings/temporal';
import { ClosableConnection } from './closable-connection';
import { connectedOrExplained } from './connect-failure';
import { dataConverter } from './encryption/data-converter';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Connects without a payload converter: for what concerns the server itself, as namespaces and probes.
 *
 * @param timeoutMs @default 10000
 * @throws ServerUnreachableError with the address; BadInputError where the server's or our certificate, or our credentials, are refused
 */
export async function connectTemporal({ address, security }: TemporalSettings, timeoutMs = CONNECT_TIMEOUT_MS): Promise<Connection> {
  const connection = ClosableConnection.lazy({ address, connectTimeout: timeoutMs, ...security });
  try {
    await connectedOrExplained({ address, security }, connection.ensureConnected());
    return connection;
  } catch (error) {
    // It would go on trying until its deadline.
    await connection.close();
    throw error;
  }
}

/** A client whose payloads are encrypted as the environment says. */
export interface TemporalClient {
  readonly settings: TemporalSettings;
  readonly connection: Connection;
  readonly client: Client;
}

/**
 * Connects to where the environment, or `seal up`, says.
 *
 * @param timeoutMs @default 10000
 * @param interceptors of the client's calls. @default none
 * @throws as `temporalSettings`, `dataConverter` and `connectTemporal`
 */
export async function openTemporalClient(
  settings: TemporalSettings = temporalSettings(),
  { env = environment(), timeoutMs, interceptors = {} }: { readonly env?: NodeJS.ProcessEnv; readonly timeoutMs?: number; readonly interceptors?: ClientInterceptors } = {},
): Promise<TemporalClient> {
  const converter = dataConverter(env);
  const connection = await connectTemporal(settings, timeoutMs);
  return { settings, connection, client: new Client({ connection, namespace: settings.namespace, dataConverter: converter, interceptors }) };
}

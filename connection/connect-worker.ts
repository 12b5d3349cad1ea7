import { NativeConnection } from '@temporalio/worker';
import { explainConnectFailure } from './connect-failure';
import type { TemporalSettings } from './temporal-settings';

/** A worker's connection. In a file of its own, since it loads the SDK's native part, which a client does not need. @throws as `connectTemporal` */
export async function connectWorker({ address, security }: TemporalSettings): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect({ address, ...security });
  } catch (cause) {
    throw await explainConnectFailure(cause, { address, security });
  }
}

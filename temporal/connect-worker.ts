import { NativeConnection } from '@temporalio/worker';
import type { TemporalSettings } from '../settings/temporal';
import { connectTemporal } from './connect';

/**
 * A worker's connection. In a file of its own, since it loads the SDK's native part, which a client does not need.
 *
 * @throws as `connectTemporal`, which tries first: the native part says less of why it could not connect
 */
export async function connectWorker(settings: TemporalSettings): Promise<NativeConnection> {
  await (await connectTemporal(settings)).close();
  return NativeConnection.connect({ address: settings.address, ...settings.security });
}

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { NAMESPACE } from '../contracts/campaign';
import { ServerUnreachableError } from '../contracts/errors';
import { stackFileSchema, stackFiles } from '../contracts/stack';
import { readInputJson } from './input-file';

/** Where the Temporal server answers. */
export interface TemporalSettings {
  /** host:port of the gRPC frontend. */
  readonly address: string;
  readonly namespace: string;
  /** Web UI; null where it is unknown. */
  readonly uiUrl: string | null;
}

/**
 * The server that `TEMPORAL_ADDRESS` (with `TEMPORAL_NAMESPACE`) names, else the embedded one of `$SEAL_HOME`.
 * @throws ServerUnreachableError where neither says where a server is
 */
export function temporalSettings(env: NodeJS.ProcessEnv = process.env): TemporalSettings {
  const address = env['TEMPORAL_ADDRESS'];
  if (address !== undefined && address !== '') {
    return { address, namespace: env['TEMPORAL_NAMESPACE'] ?? NAMESPACE, uiUrl: null };
  }
  const home = resolve(env['SEAL_HOME'] ?? '.seal');
  const file = join(home, stackFiles.stack);
  if (!existsSync(file)) {
    throw new ServerUnreachableError(
      `Temporal: expected a running server, got none in ${home}; run "seal up" or set TEMPORAL_ADDRESS`,
    );
  }
  return stackFileSchema.parse(readInputJson(file)).temporal;
}

import { BadInputError, ServerUnreachableError } from '../../campaign/errors';
import { temporalSettings } from '../../settings/temporal';
import { ensureNamespace } from './temporal-namespace';

/**
 * `node dist/infra/stack/prepare-server.js`: the namespace, its retention and its search attributes on the server that the
 * environment names (`TEMPORAL_ADDRESS` and the rest), before a fleet's first worker. Safe to run again.
 */
async function prepare(): Promise<void> {
  const settings = temporalSettings();
  await ensureNamespace(settings);
  process.stderr.write(`namespace ${settings.namespace} of ${settings.address} is ready\n`);
}

prepare().catch((error: unknown) => {
  const isExpected = error instanceof BadInputError || error instanceof ServerUnreachableError;
  process.stderr.write(`${isExpected ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = isExpected ? 2 : 1;
});

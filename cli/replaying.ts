import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Replaying } from '../audit/check-histories';
import { dataConverter } from '../temporal/encryption/data-converter';
import { sealHome } from '../settings/home';
import { workflowBundle } from '../workers/workflow-bundle';

/** Runs `body` with what replays histories: today's workflow code, and the keys of this environment for encrypted payloads. */
export async function withReplaying<Result>(body: (replaying: Replaying) => Promise<Result>): Promise<Result> {
  const directory = join(sealHome(), 'cache');
  await mkdir(directory, { recursive: true });
  const converter = dataConverter();
  // A history that does not replay is a finding, told once and not also logged.
  const runtime = Runtime.install({
    logger: new DefaultLogger('ERROR', () => undefined),
    telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
    shutdownSignals: [],
  });
  try {
    return await body({ workflowBundle: await workflowBundle(directory, converter), dataConverter: converter, codecs: converter.payloadCodecs });
  } finally {
    // It ends with the last replay; where there was none, nothing else would end it, or this process.
    await runtime.shutdown();
  }
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { embeddedCredentials, OBJECT_SERVER, startObjectServer } from '../../infra/stack/object-server';
import { OwnProcesses } from '../../infra/stack/own-process';
import { serverBinary } from '../../infra/stack/server-binaries';
import type { S3Credentials } from '../../settings/stack-file';

export interface RunningS3 {
  readonly endpoint: string;
  readonly credentials: S3Credentials;
  /** @param ended once the server is gone, before its home is removed */
  stop(ended?: () => void): Promise<void>;
}

/**
 * A real S3 server with a home and a port of its own.
 * @param prepare changes the home before the server is started
 */
export async function startS3(prepare: (home: string) => void = () => undefined): Promise<RunningS3> {
  const home = mkdtempSync(join(tmpdir(), 'seal-s3-'));
  prepare(home);
  const processes = new OwnProcesses(home);
  const binary = await serverBinary('versitygw', () => undefined);
  const endpoint = await startObjectServer({ home, binary, processes, port: 0 });
  return {
    endpoint,
    credentials: await embeddedCredentials(home),
    async stop(ended) {
      await processes.stop(OBJECT_SERVER);
      ended?.();
      rmSync(home, { recursive: true });
    },
  };
}

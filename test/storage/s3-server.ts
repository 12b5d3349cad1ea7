import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { S3Credentials } from '../../contracts/stack';
import { embeddedCredentials, OBJECT_SERVER, startObjectServer } from '../../infra/stack/object-server';
import { OwnProcesses } from '../../infra/stack/own-process';
import { serverBinary } from '../../infra/stack/server-binaries';

export interface RunningS3 {
  readonly endpoint: string;
  readonly credentials: S3Credentials;
  stop(): Promise<void>;
}

/** A real S3 server with a home and a port of its own. */
export async function startS3(): Promise<RunningS3> {
  const home = mkdtempSync(join(tmpdir(), 'seal-s3-'));
  const processes = new OwnProcesses(home);
  const binary = await serverBinary('versitygw', () => undefined);
  const endpoint = await startObjectServer({ home, binary, processes, port: 0 });
  return {
    endpoint,
    credentials: await embeddedCredentials(home),
    async stop() {
      await processes.stop(OBJECT_SERVER);
      rmSync(home, { recursive: true });
    },
  };
}

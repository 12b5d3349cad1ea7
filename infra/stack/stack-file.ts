import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type StackFile, stackFiles } from '../../settings/stack-file';

export function writeStackFile(home: string, stack: StackFile): void {
  const file = join(home, stackFiles.stack);
  writeFileSync(`${file}.partial`, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.partial`, file);
}

/** What a worker or a command needs in its environment to find these servers. */
export function stackEnvironment(home: string, { temporal, s3 }: StackFile): Record<string, string> {
  return {
    SEAL_HOME: home,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    S3_ENDPOINT: s3.endpoint,
    S3_BUCKET: s3.bucket,
    // Of a server of the user's own, the AWS environment and files say it.
    ...(s3.credentialsFile === null ? {} : { AWS_REGION: s3.region }),
  };
}

import { s3Settings } from '../settings/s3';
import { checkConditionalWrites } from '../storage/conditional-writes';
import { ContentAddressedStore } from '../storage/content-addressed-store';
import { S3ObjectClient } from '../storage/s3-client';

/**
 * Asks the store that the environment names whether it lets us in. Changes nothing; the bucket need not be there yet.
 *
 * @throws ServerUnreachableError, StoreFailedError, StoreRefusedError; BadInputError for settings that cannot be
 */
export function askForAccess(env?: NodeJS.ProcessEnv): Promise<void> {
  return withClient(env, async (client) => {
    await client.ask();
  });
}

/**
 * Tries whether the store that the environment names has conditional writes; what it writes for that is removed.
 *
 * @param options `createBucket`: where it is not there yet. @default false
 * @returns false where there was no bucket to try them in
 * @throws as `checkConditionalWrites`; BadInputError for settings that cannot be
 */
export function tryConditionalWrites({ createBucket = false, env }: { readonly createBucket?: boolean; readonly env?: NodeJS.ProcessEnv } = {}): Promise<boolean> {
  return withClient(env, async (client) => {
    if (!(await client.ask())) {
      if (!createBucket) return false;
      await client.ensureBucket();
    }
    await checkConditionalWrites(new ContentAddressedStore(client));
    return true;
  });
}

async function withClient<Result>(env: NodeJS.ProcessEnv | undefined, work: (client: S3ObjectClient) => Promise<Result>): Promise<Result> {
  const client = new S3ObjectClient({ ...s3Settings(env), attempts: 1 });
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

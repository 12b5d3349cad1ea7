import { s3SettingsFromEnvironment } from '../storage/open-store';
import { S3ObjectClient } from '../storage/s3-client';

/**
 * Asks the store that the environment names whether it lets us in. Changes nothing; the bucket need not be there yet.
 * @throws ServerUnreachableError, StoreFailedError, StoreRefusedError; BadInputError for settings that cannot be
 */
export async function askForAccess(env: NodeJS.ProcessEnv = process.env): Promise<void> {
  const client = new S3ObjectClient({ ...(await s3SettingsFromEnvironment(env)), attempts: 1 });
  try {
    await client.ask();
  } finally {
    client.close();
  }
}

import { s3Settings } from '../settings/s3';
import type { ArtifactStore } from './artifact-store';
import { ContentAddressedStore } from './content-addressed-store';
import { ObservedObjectClient, type ObserveRequest } from './observed-object-client';
import { type S3ClientSettings, S3ObjectClient } from './s3-client';

/**
 * Opens the store and creates its bucket if need be.
 * @param observe told of every request to the server. @default nobody
 * @throws ServerUnreachableError, StoreFailedError, StoreRefusedError (credentials)
 */
export async function openS3Store(settings: S3ClientSettings, observe?: ObserveRequest): Promise<ArtifactStore> {
  const client = new S3ObjectClient(settings);
  try {
    await client.ensureBucket();
  } catch (error) {
    client.close();
    throw error;
  }
  return new ContentAddressedStore(observe === undefined ? client : new ObservedObjectClient(client, observe));
}

/** Opens the store that the environment names, as `s3Settings` finds it. @param env @default this process's */
export async function openStoreFromEnvironment(env?: NodeJS.ProcessEnv, observe?: ObserveRequest): Promise<ArtifactStore> {
  return openS3Store(s3Settings(env), observe);
}

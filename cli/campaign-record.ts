import { BadInputError } from '../campaign/errors';
import { keyPrefixes } from '../record/keys';
import type { ArtifactStore } from '../storage/artifact-store';
import { openStoreFromEnvironment } from '../storage/open-store';

/**
 * Runs `body` with the store that holds a campaign's record.
 * @throws BadInputError where the store has no manifest of it
 */
export async function withRecord<Result>(campaignId: string, body: (store: ArtifactStore) => Promise<Result>): Promise<Result> {
  const store = await openStoreFromEnvironment();
  try {
    const keys = await store.list(keyPrefixes.record(campaignId));
    if (keys.length === 0) {
      throw new BadInputError({ where: 'campaign id', expected: `one with a record in ${store.location} (see seal list)`, got: JSON.stringify(campaignId) });
    }
    return await body(store);
  } finally {
    store.close();
  }
}

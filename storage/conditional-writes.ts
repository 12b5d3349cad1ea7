import { randomUUID } from 'node:crypto';
import type { Manifest } from '../campaign/artifacts';
import { ArtifactMissingError, BadInputError, ServerUnreachableError, StoreFailedError, StoreRefusedError } from '../campaign/errors';
import type { ArtifactStore } from './artifact-store';
import { canonicalJson } from './canonical-json';

/** Why manifests have one winner, whoever races. */
export const CONDITIONAL_WRITES = 'a store with conditional writes (If-None-Match)';

const SIMULTANEOUS = 8;

type CanaryStore = Pick<ArtifactStore, 'publish' | 'remove' | 'location'>;

/**
 * Publishes canaries that must have one winner, one after the other and several at once, and removes them.
 *
 * @throws BadInputError where another than the first is taken, or none; ServerUnreachableError, StoreFailedError, StoreRefusedError
 */
export async function checkConditionalWrites(store: CanaryStore): Promise<void> {
  await withCanary(store, async (key) => {
    const first = await store.publish(key, canary(1));
    const second = await store.publish(key, canary(2));
    if (first.adopted) throw refusal(store, 'a first write of a key that was refused');
    if (!second.adopted) throw refusal(store, 'a second write of the same key that was accepted');
    if (!isSame(second.manifest, canary(1))) throw refusal(store, 'a second write of the same key that was refused and yet done');
  });
  await withCanary(store, async (key) => {
    const published = await allOf(Array.from({ length: SIMULTANEOUS }, (_, i) => store.publish(key, canary(i))));
    const winners = published.filter(({ adopted }) => !adopted);
    if (winners.length !== 1) throw refusal(store, `${winners.length} of ${SIMULTANEOUS} simultaneous writes of the same key accepted`);
    if (published.some(({ manifest }) => !isSame(manifest, winners[0]!.manifest))) throw refusal(store, 'simultaneous writes of the same key, of which another remains than was accepted');
  });
}

async function withCanary(store: CanaryStore, attempt: (key: string) => Promise<void>): Promise<void> {
  const key = `canary/${randomUUID()}.json`;
  try {
    await attempt(key);
  } catch (error) {
    // What went wrong first is what is told.
    await store.remove(key).catch(() => undefined);
    throw explained(store, error);
  }
  await store.remove(key);
}

function canary(write: number): Manifest {
  return { kind: 'canary', files: {}, lineage: { inputs: {}, codeVersion: '', settings: { write } } };
}

function isSame(a: Manifest, b: Manifest): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/** Waits for the slowest too: nothing is written any more once the canary is removed. */
async function allOf<Result>(promises: readonly Promise<Result>[]): Promise<Result[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

function refusal({ location }: CanaryStore, got: string, cause?: unknown): BadInputError {
  return new BadInputError({ where: location, expected: CONDITIONAL_WRITES, got }, { cause });
}

/** There is nothing wrong with a canary: what a store says against it is said against conditional writes. */
function explained(store: CanaryStore, error: unknown): unknown {
  if ([BadInputError, ServerUnreachableError, StoreFailedError, StoreRefusedError].some((known) => error instanceof known)) return error;
  if (error instanceof ArtifactMissingError) return refusal(store, 'a first write of a key that was refused', error);
  return refusal(store, error instanceof Error ? error.message : String(error), error);
}

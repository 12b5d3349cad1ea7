import type { ArtifactRef, Manifest } from '../../contracts/artifacts';
import { ArtifactCorruptError } from '../../contracts/errors';
import type { ArtifactStore } from '../../storage/artifact-store';
import { canonicalJson } from '../../storage/canonical-json';
import { hashBytes } from '../../storage/content-hash';

/** Stores a value as canonical JSON: equal values share an artifact. */
export function putJson(store: ArtifactStore, value: unknown): Promise<ArtifactRef> {
  return store.put(new TextEncoder().encode(canonicalJson(value)), 'application/json');
}

/**
 * Reads a JSON artifact that this code wrote: its hash is verified, its shape is the writer's.
 * @throws ArtifactMissingError, ArtifactCorruptError
 */
export async function getJson<Value>(store: ArtifactStore, ref: ArtifactRef): Promise<Value> {
  return JSON.parse(Buffer.from(await store.get(ref)).toString('utf8')) as Value;
}

/** The JSON file `name` of a manifest. @throws ArtifactCorruptError when the manifest does not name it */
export function getManifestJson<Value>(store: ArtifactStore, key: string, manifest: Manifest, name: string): Promise<Value> {
  return getJson<Value>(store, fileOf(key, manifest, name));
}

export function fileOf(key: string, manifest: Manifest, name: string): ArtifactRef {
  const ref = manifest.files[name];
  if (ref === undefined) throw new ArtifactCorruptError(`manifest ${key} names no ${name}`);
  return ref;
}

/** sha256 of a manifest as it is stored: how other manifests name it in their lineage. */
export function manifestSha256(manifest: Manifest): string {
  return hashBytes(new TextEncoder().encode(canonicalJson(manifest))).sha256;
}

import type { ArtifactStore } from '../../storage/artifact-store';

/** Everything a store holds, as text: manifests and the artifacts they name. */
export async function storedTexts(store: ArtifactStore): Promise<string[]> {
  const manifests = await Promise.all((await store.list('campaigns/')).map((key) => store.readManifest(key)));
  const refs = manifests.flatMap(({ files }) => Object.values(files));
  const artifacts = await Promise.all(refs.map(async (ref) => Buffer.from(await store.get(ref)).toString('utf8')));
  return [...manifests.map((manifest) => JSON.stringify(manifest)), ...artifacts];
}

/**
 * A record's digest: the hash of each of its manifests. Artifacts are named by their content and manifests are not, so it is what shows
 * a changed byte in a manifest that no other one names. Its own key is its hash.
 */
import { z } from 'zod';
import type { Manifest } from '../../campaign/artifacts';
import type { ArtifactStore } from '../../storage/artifact-store';
import { hashBytes } from '../../storage/content-hash';
import { readAll } from '../bounded-reads';
import { DocumentType, manifestSha256 } from '../document-type';
import { JsonFile, sha256 as hash, whole } from '../json-file';
import { keyPrefixes, manifestKeys } from '../keys';

/** Manifest key -> sha256 of its bytes. */
export const manifestHashesFile = new JsonFile('manifests.json', z.record(z.string(), hash));
export const digestDocument = new DocumentType('digest', [manifestKeys.digest], [manifestHashesFile], z.strictObject({ manifests: whole }));

/** The manifest of a digest. */
export interface DigestRef {
  readonly key: string;
  /** Of its bytes. */
  readonly sha256: string;
}

/** Publishes the hash of each manifest that the campaign has so far, but those of earlier digests and of checkpoints, which go when they have served. */
export async function publishDigest(store: ArtifactStore, campaignId: string, { inputs, codeVersion }: Pick<Manifest['lineage'], 'inputs' | 'codeVersion'>): Promise<DigestRef> {
  const listed = await store.list(keyPrefixes.record(campaignId));
  const keys = listed.filter((key) => manifestKeys.digest.parse(key) === null && manifestKeys.checkpoint.parse(key) === null);
  const hashes = await readAll(keys, async (key) => {
    const bytes = await store.readBytes(key);
    // Removed since it was listed: it is no part of the record.
    return bytes === null ? [] : [[key, hashBytes(bytes).sha256] as const];
  });
  const named = Object.fromEntries(hashes.flat());
  const content = {
    files: { [manifestHashesFile.name]: await manifestHashesFile.put(store, named) },
    lineage: { inputs, codeVersion, settings: {} },
    summary: { manifests: Object.keys(named).length },
  };
  const sha256 = manifestSha256({ kind: digestDocument.kind, ...content });
  const key = manifestKeys.digest(campaignId, sha256);
  await digestDocument.publish(store, key, content);
  return { key, sha256 };
}

import type { Manifest } from '../campaign/artifacts';
import { readAll } from '../record/bounded-reads';
import { campaignDocument } from '../record/documents/campaign';
import { policyDocument } from '../record/documents/epochs';
import { keyPrefixes, manifestKeys } from '../record/keys';
import type { ArtifactStore } from '../storage/artifact-store';
import { canonicalJson } from '../storage/canonical-json';

/** What a campaign committed, by key below `campaigns/<id>/`. */
export type Committed = ReadonlyMap<string, Manifest>;

/**
 * Everything of a campaign that must not depend on what happened to it: all its manifests but those of attempts (work, histories,
 * checkpoints), reports, which tell of times, and digests, which name all of these.
 */
export async function committedBy(store: ArtifactStore, campaignId: string): Promise<Committed> {
  const prefix = keyPrefixes.record(campaignId);
  const keys = (await store.list(prefix)).filter((key) => !isRecordOfAttempts(key));
  return new Map(await readAll(keys, async (key): Promise<[string, Manifest]> => [key.slice(prefix.length), await store.readManifest(key)]));
}

function isRecordOfAttempts(key: string): boolean {
  const { work, historyPage, checkpoint, digest, report, partialReport } = manifestKeys;
  return [work, historyPage, checkpoint, digest, report, partialReport].some(({ parse }) => parse(key) !== null);
}

/**
 * A manifest without what names its campaign: for campaigns of one file under unlike ids. Their manifests' hashes differ, so lineage is
 * left out, and the campaign's own input, which holds the id.
 */
export function resultOf({ kind, files, summary }: Manifest): unknown {
  if (kind === campaignDocument.kind) return { kind };
  if (kind !== policyDocument.kind) return { kind, files, summary };
  const { parent, ...numbers } = summary ?? {};
  return { kind, files, summary: { ...numbers, isFirst: parent === null } };
}

/** Lines that name what differs; none where both committed the same. @param of what of a manifest must be the same. @default all of it */
export function differences(expected: Committed, got: Committed, of: (manifest: Manifest) => unknown = (manifest) => manifest): string[] {
  const lines: string[] = [];
  for (const [key, manifest] of expected) {
    const other = got.get(key);
    if (other === undefined) lines.push(`${key} is missing`);
    else lines.push(...firstDifference(key, canonicalJson(of(manifest)), canonicalJson(of(other))));
  }
  for (const key of got.keys()) if (!expected.has(key)) lines.push(`${key} is one too many`);
  return lines;
}

function firstDifference(key: string, expected: string, got: string): string[] {
  if (expected === got) return [];
  const others = got.split('\n');
  const lines = expected.split('\n');
  const at = Math.max(0, lines.findIndex((line, i) => line !== others[i]));
  return [`${key}: expected ${lines[at]?.trim()}, got ${others[at]?.trim()}`];
}

/** Reads every artifact that the manifests name, its hash verified. @returns one line for each that is missing or damaged */
export async function unreadableArtifacts(store: ArtifactStore, committed: Committed): Promise<string[]> {
  const lines: string[] = [];
  const read = new Set<string>();
  for (const [key, { files }] of committed) {
    for (const [name, ref] of Object.entries(files)) {
      if (read.has(ref.sha256)) continue;
      read.add(ref.sha256);
      try {
        await store.get(ref);
      } catch (error) {
        lines.push(`${key}, ${name}: ${String(error)}`);
      }
    }
  }
  return lines;
}

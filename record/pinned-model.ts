import type { PinnedModel } from '../campaign/campaign';
import { hashBytes } from '../storage/content-hash';

/** One hash over the names and hashes of a model's files. */
export function pinnedSha256({ files }: PinnedModel): string {
  return filesSha256(files);
}

export function filesSha256(files: PinnedModel['files']): string {
  const lines = Object.entries(files)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, sha256]) => `${sha256} ${name}\n`);
  return hashBytes(Buffer.from(lines.join(''))).sha256;
}

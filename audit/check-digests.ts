import { manifestHashesFile } from '../record/documents/digest';
import { manifestKeys } from '../record/keys';
import type { CampaignRecord } from './campaign-record';
import type { Findings } from './findings';

/**
 * Compares every manifest with the record's digests, and every digest with its own name.
 * @returns keys that no digest names: of a campaign that runs, or published after its end
 */
export async function checkDigests(record: CampaignRecord, findings: Findings): Promise<string[]> {
  const known = new Set<string>();
  for (const [key, sha256] of record.hashes) {
    const named = manifestKeys.digest.parse(key);
    if (named === null) continue;
    known.add(key);
    if (named.sha256 !== sha256) findings.add('manifest-changed', key, `sha256 ${named.sha256}, its name`, `sha256 ${sha256}`);
  }
  for (const { one } of record.matching(manifestKeys.digest)) {
    const hashes = await record.json(one, manifestHashesFile);
    for (const [key, expected] of Object.entries(hashes ?? {})) {
      known.add(key);
      const got = record.hashes.get(key);
      if (got === undefined) findings.add('manifest-missing', key, `sha256 ${expected}, as the digest names it`, `nothing in ${record.store.location}`);
      else if (got !== expected) findings.add('manifest-changed', key, `sha256 ${expected}, as the digest names it`, `sha256 ${got}`);
    }
  }
  return [...record.hashes.keys()].filter((key) => !known.has(key));
}

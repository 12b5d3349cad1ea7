import { SEAL_FILE, SEAL_KIND, type SealedManifests } from '../activities/stored/seal-record';
import { keyPrefixes } from '../record/keys';
import type { CampaignRecord } from './campaign-record';
import type { Findings } from './findings';

/**
 * Compares every manifest with the campaign's seals, and every seal with its own name.
 * @returns keys that no seal names: of a campaign that runs, or published after its end
 */
export async function checkSeals(record: CampaignRecord, findings: Findings): Promise<string[]> {
  const sealed = new Set<string>();
  const prefix = keyPrefixes.digests(record.campaignId);
  for (const [key, sha256] of record.hashes) {
    if (!key.startsWith(prefix)) continue;
    sealed.add(key);
    const named = key.slice(prefix.length, -'.json'.length);
    if (named !== sha256) findings.add('manifest-changed', key, `sha256 ${named}, its name`, `sha256 ${sha256}`);
  }
  for (const one of record.manifests.values()) {
    if (!one.key.startsWith(prefix)) continue;
    findings.same('manifest-changed', `${one.key}: kind`, SEAL_KIND, one.manifest.kind);
    const hashes = await record.json<SealedManifests>(one, SEAL_FILE);
    for (const [key, expected] of Object.entries(hashes ?? {})) {
      sealed.add(key);
      const got = record.hashes.get(key);
      if (got === undefined) findings.add('manifest-missing', key, `sha256 ${expected}, as sealed`, `nothing in ${record.store.location}`);
      else if (got !== expected) findings.add('manifest-changed', key, `sha256 ${expected}, as sealed`, `sha256 ${got}`);
    }
  }
  return [...record.hashes.keys()].filter((key) => !sealed.has(key));
}

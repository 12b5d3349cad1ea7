import { MERGED_INPUT } from '../activities/stored/model-directories';
import { machineKey } from '../activities/training/stored-checkpoints';
import { manifestKeys } from '../record/keys';
import { computedWhere } from '../record/lineage';
import type { CampaignRecord, RecordedManifest } from './campaign-record';
import type { Findings } from './findings';

/** Hash of a policy's merged files -> the manifests that name it. */
type Namings = Map<string, RecordedManifest[]>;

/**
 * All that was made from one policy must name the same merged weights. Machines of different kinds, or other code, may merge to other
 * bits: what differs between them is told as left unchecked, what differs within one kind is a break.
 */
export function checkMerged(record: CampaignRecord, findings: Findings): void {
  for (const [policy, byKind] of mergedPolicies(record, findings)) {
    for (const namings of byKind.values()) {
      const [first, ...others] = namings;
      for (const other of others) findings.add('lineage', `merged weights of ${policy}`, said(first!), said(other));
    }
    const different = new Set([...byKind.values()].flatMap((namings) => [...namings.keys()].slice(0, 1)));
    if (different.size > 1) {
      findings.leftUnchecked(`whether the merged weights of ${policy} are right: ${different.size} kinds of machine or versions of the code have merged it to different bits, as they may`);
    }
  }
}

function said([sha256, named]: [string, RecordedManifest[]]): string {
  const others = named.length === 1 ? '' : ` and ${named.length - 1} more`;
  return `sha256 ${sha256}, as ${named[0]!.key} names them${others}`;
}

/** By the newest of a policy's adapters, and by the kind of machine that read it. */
function mergedPolicies(record: CampaignRecord, findings: Findings): Map<string, Map<string, Namings>> {
  const policies = new Map<string, Map<string, Namings>>();
  for (const one of record.manifests.values()) {
    const { inputs } = one.manifest.lineage;
    const adapters = Object.keys(inputs).filter((name) => manifestKeys.policy.parse(name)?.campaignId === record.campaignId);
    if (adapters.length === 0) continue;
    const sha256 = inputs[MERGED_INPUT];
    if (sha256 === undefined) {
      findings.add('lineage', `${one.key}: ${MERGED_INPUT}`, `the hash of what ${adapters.join(', ')} were merged to`, 'nothing');
      continue;
    }
    const { codeVersion, machine } = computedWhere(one.manifest);
    const kind = machineKey(machine, codeVersion);
    const byKind = getOrAdd(policies, adapters.sort().join(', '), () => new Map<string, Namings>());
    const namings = getOrAdd(byKind, kind, (): Namings => new Map());
    getOrAdd(namings, sha256, (): RecordedManifest[] => []).push(one);
  }
  return policies;
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key) ?? make();
  map.set(key, known);
  return known;
}

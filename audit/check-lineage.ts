import { existsSync } from 'node:fs';
import { seedScope } from '../activities/candidates/seed-scope';
import { MERGED_INPUT, verifyPinnedFiles } from '../activities/stored/model-directories';
import { pinnedSha256 } from '../record/pinned-model';
import { type CampaignInput, scopes } from '../campaign/campaign';
import { BadInputError } from '../campaign/errors';
import { heldOutFile, inputFile, trainFile } from '../record/documents/campaign';
import { WEIGHTS_FILE } from '../record/documents/candidates';
import { selectionFile } from '../record/documents/epochs';
import { proposalsFile } from '../record/documents/self-edits';
import { inScope, isManifestKey, manifestKeys } from '../record/keys';
import { mStepSeed, repeatSeed } from '../seal/algorithm/seeds';
import { sha256Hex } from '../seal/sha256';
import { canonicalJson } from '../storage/canonical-json';
import type { CampaignRecord, RecordedManifest } from './campaign-record';
import { checkMerged } from './check-merged';
import type { Findings } from './findings';

/** Inputs that the manifest of the campaign pins. */
const PINNED = ['base', 'template', 'contexts', 'campaign'];

/**
 * Follows every manifest's inputs: each must be a manifest, an artifact or the base model, of this campaign and with the hash named;
 * seeds, code and places must be those that the campaign's own inputs give.
 */
export async function checkLineage(record: CampaignRecord, input: CampaignInput | null, findings: Findings): Promise<void> {
  checkInputs(record, findings);
  checkMerged(record, findings);
  if (input === null) return;
  checkCampaign(record, input, findings);
  checkPlaces(record, input, findings);
  await checkBase(input, findings);
}

/** The campaign's manifest repeats what its inputs say. */
function checkCampaign(record: CampaignRecord, input: CampaignInput, findings: Findings): void {
  const key = manifestKeys.campaign(record.campaignId);
  const campaign = record.find(key);
  if (campaign === null) return;
  findings.same('lineage', `${key}: campaignId`, record.campaignId, input.campaignId);
  findings.same('lineage', `${key}: spec`, sha256Hex(canonicalJson(input.spec)), input.specSha256);
  const { manifest } = campaign;
  const expected = {
    spec: input.specSha256,
    train: input.train.sha256,
    heldOut: input.heldOut.sha256,
    base: pinnedSha256(input.model),
    ...(input.template === undefined ? {} : { template: input.template.sha256 }),
  };
  for (const [name, sha256] of Object.entries(expected)) findings.same('lineage', `${key}: ${name}`, sha256, manifest.lineage.inputs[name]);
  findings.same('lineage', `${key}: codeVersion`, input.codeVersion, manifest.lineage.codeVersion);
  findings.same('lineage', `${key}: seed`, input.spec.seed, manifest.lineage.seed);
  findings.same('lineage', `${key}: ${trainFile.name}`, input.train, manifest.files[trainFile.name]);
  findings.same('lineage', `${key}: ${heldOutFile.name}`, input.heldOut, manifest.files[heldOutFile.name]);
}

function checkInputs(record: CampaignRecord, findings: Findings): void {
  const artifacts = new Set<string>();
  for (const { manifest } of record.manifests.values()) for (const { sha256 } of Object.values(manifest.files)) artifacts.add(sha256);
  const manifests = new Set(record.hashes.values());
  const campaign = record.find(manifestKeys.campaign(record.campaignId));
  // That it cannot be read is a break of its own; what would be compared with it is not broken for that.
  if (campaign === null) findings.leftUnchecked('code, base model and data that manifests name: the manifest of the campaign cannot be read');
  const told = new Set<string>();
  for (const one of record.manifests.values()) {
    const { key, manifest } = one;
    if (campaign !== null) findings.same('lineage', `${key}: codeVersion`, campaign.manifest.lineage.codeVersion, manifest.lineage.codeVersion);
    for (const [name, sha256] of Object.entries(manifest.lineage.inputs)) {
      const named = manifestNamed(one, name);
      if (named !== null) {
        const got = record.hashes.get(named);
        // One manifest is one break, however many name it so.
        const claim = `${named} ${sha256}`;
        if (got === sha256 || told.has(claim)) continue;
        told.add(claim);
        if (got === undefined) findings.add('manifest-missing', named, `sha256 ${sha256}, as ${key} names it`, `nothing in ${record.store.location}`);
        else findings.add('manifest-changed', named, `sha256 ${sha256}, as ${key} names it`, `sha256 ${got}`);
        continue;
      }
      if (campaign === null && PINNED.includes(name)) continue;
      const expected = expectedInput(record, one, name);
      if (expected !== null) {
        if (expected.includes(sha256)) continue;
        if (name === 'proposals') {
          // As above: proposals that are lost or changed are one break, however many were made from them.
          const claim = `${scopeOf(key)} ${sha256}`;
          if (told.has(claim)) continue;
          told.add(claim);
        }
        findings.add('lineage', `${key}: ${name}`, expected.length === 0 ? 'what it was made from' : `sha256 ${expected.join(' or ')}`, `sha256 ${sha256}`);
      } else if (!artifacts.has(sha256) && !manifests.has(sha256)) {
        findings.add('lineage', `${key}: ${name}`, 'an artifact or a manifest of this campaign', `sha256 ${sha256}`);
      }
    }
  }
}

/** The key of the manifest that an input names, where it names one: adapters of the policy by key, a candidate's own by repeat, a training that diverged. */
function manifestNamed({ key }: RecordedManifest, name: string): string | null {
  if (isManifestKey(name)) return name;
  if (name === 'diverged') return adapterOf(key);
  const [, kind, repeat] = /^(adapter|evaluation)-r(\d+)$/.exec(name) ?? [];
  const candidate = manifestKeys.candidate.parse(key);
  if (kind === undefined || candidate === null) return null;
  const { campaignId, scope, contextId, candidate: number } = candidate;
  return manifestKeys[kind === 'adapter' ? 'adapter' : 'evaluation'](campaignId, scope, contextId, number, Number(repeat));
}

/** Of the fine-tune that an evaluation is of; null for the key of anything else. */
function adapterOf(key: string): string | null {
  const at = manifestKeys.evaluation.parse(key);
  return at === null ? null : manifestKeys.adapter(at.campaignId, at.scope, at.contextId, at.candidate, at.repeat);
}

/** Hashes that an input of this name may have; null where any of the campaign's may stand. */
function expectedInput(record: CampaignRecord, { key, manifest }: RecordedManifest, name: string): string[] | null {
  const campaign = record.find(manifestKeys.campaign(record.campaignId));
  const pinned = (input: string): string[] => [campaign?.manifest.lineage.inputs[input] ?? []].flat();
  // The campaign's own are compared with its inputs.
  if (manifest === campaign?.manifest) return [manifest.lineage.inputs[name]!];
  switch (name) {
    case 'base':
    case 'template':
      return pinned(name);
    case 'contexts':
      return pinned(scopes.isTraining(scopeOf(key)) ? 'train' : 'heldOut');
    case 'campaign':
      return fileHashes(campaign, inputFile.name);
    case 'adapter':
      return fileHashes(record.find(adapterOf(key) ?? ''), WEIGHTS_FILE);
    case 'proposals':
      return proposalsOf(record, key);
    case 'selection':
      return selectionOf(record, key);
    // Lies on the machine that merged it; compared with what others name.
    case MERGED_INPUT:
      return [manifest.lineage.inputs[name]!];
    default:
      return null;
  }
}

function fileHashes(one: RecordedManifest | null, name: string): string[] {
  const ref = one?.manifest.files[name];
  return ref === undefined ? [] : [ref.sha256];
}

/** Of the scope, in any of its versions: a retried selection chooses among an earlier version's candidates. */
function proposalsOf(record: CampaignRecord, key: string): string[] {
  const scope = scopeOf(key);
  return record
    .matching(manifestKeys.proposals)
    .filter(({ at }) => scopes.unversioned(at.scope) === scope)
    .flatMap(({ one }) => fileHashes(one, proposalsFile.name));
}

/** Of the selection that an M-step learnt from: its own version's. */
function selectionOf(record: CampaignRecord, key: string): string[] {
  const at = manifestKeys.policy.parse(key);
  return at === null ? [] : fileHashes(record.find(manifestKeys.selection(at.campaignId, at.epoch, at.version)), selectionFile.name);
}

/** Of a key, unversioned; empty where it belongs to none. */
function scopeOf(key: string): string {
  return scopes.unversioned(inScope.parse(key)?.scope ?? '');
}

/** A manifest that lies where another of its kind belongs says so itself: by its seed, its settings or its summary. */
function checkPlaces(record: CampaignRecord, input: CampaignInput, findings: Findings): void {
  const { seed } = input.spec;
  for (const { one, at } of record.matching(manifestKeys.adapter)) {
    const seeds = seedScope({ scope: at.scope, split: scopes.isTraining(at.scope) ? 'train' : 'heldOut' });
    findings.same('lineage', `${one.key}: seed`, repeatSeed(seed, seeds, at.contextId, at.candidate, at.repeat), one.manifest.lineage.seed);
  }
  for (const { one, at } of record.matching(manifestKeys.policy)) findings.same('lineage', `${one.key}: seed`, mStepSeed(seed, at.epoch), one.manifest.lineage.seed);
  for (const { one, at: { contextId, candidate } } of [...record.matching(manifestKeys.candidate), ...record.matching(manifestKeys.failedCandidate)]) {
    const { settings } = one.manifest.lineage;
    findings.same('lineage', `${one.key}: settings`, { contextId, candidate }, { contextId: settings['contextId'], candidate: settings['candidate'] });
  }
  for (const { one, at: { contextId, candidate } } of record.matching(manifestKeys.evaluation)) {
    const group = one.manifest.lineage.settings['group'];
    const own = `${contextId}/c${candidate}`;
    if (!Array.isArray(group) || !group.includes(own)) findings.add('lineage', `${one.key}: group`, `one with ${own}`, group);
  }
}

/** Where the base model's directory is at hand, its files are hashed. */
async function checkBase({ model }: CampaignInput, findings: Findings): Promise<void> {
  if (!existsSync(model.directory)) {
    findings.leftUnchecked(`files of the base model, whose directory ${model.directory} is not on this machine`);
    return;
  }
  try {
    await verifyPinnedFiles(model);
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    findings.add('base-model', error.detail.where, error.detail.expected, error.detail.got);
  }
}

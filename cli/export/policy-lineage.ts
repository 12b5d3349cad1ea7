import { basename } from 'node:path';
import type { Manifest } from '../../campaign/artifacts';
import { type CampaignInput, type EpochVersion, type PinnedModel } from '../../campaign/campaign';
import { BadInputError } from '../../campaign/errors';
import { manifestSha256 } from '../../record/document-type';
import { findInput } from '../../record/documents/campaign';
import { policyDocument, selectionDocument } from '../../record/documents/epochs';
import { methodDocument } from '../../record/documents/methods';
import { CurrentVersions } from '../../record/documents/operators';
import { manifestKeys } from '../../record/keys';
import { sealMethod } from '../../seal/algorithm/stages';
import type { ArtifactStore } from '../../storage/artifact-store';

/** An M-step's adapter, as its manifest names it. */
export interface PolicyAdapter {
  readonly epoch: number;
  readonly manifest: Manifest;
}

/** The policy after an epoch: the base, and the adapters to merge into it in order. */
export interface ExportedPolicy {
  readonly input: CampaignInput;
  readonly epoch: number;
  /** Of epochs 1..epoch; an epoch that kept nothing left the policy as it was and has none. */
  readonly adapters: readonly PolicyAdapter[];
}

/** @throws BadInputError where the store knows no such campaign, or the epoch's M-step has not ended */
export async function findPolicy(store: ArtifactStore, campaignId: string, epoch: number): Promise<ExportedPolicy> {
  const input = await findInput(store, campaignId);
  if (input === null) {
    throw new BadInputError({ where: 'campaign id', expected: `one that ${store.location} holds (see seal list)`, got: JSON.stringify(campaignId) });
  }
  const adapters: PolicyAdapter[] = [];
  const versions = await CurrentVersions.read(store, campaignId);
  for (let each = 1; each <= epoch; each += 1) {
    const policy = await policyDocument.find(store, manifestKeys.policy(campaignId, each, versions.ofEpoch(each).policy));
    if (policy !== null) adapters.push({ epoch: each, manifest: policy.manifest });
    else if (!(await leftPolicyAlone(store, input, versions.ofEpoch(each)))) throw unfinished(input, each, epoch);
  }
  return { input, epoch, adapters };
}

/** Without an M-step: its selection kept nothing, or nothing was left of what it kept, as what came after it shows. */
async function leftPolicyAlone(store: ArtifactStore, { campaignId }: CampaignInput, { epoch, selection: version, policy }: EpochVersion): Promise<boolean> {
  const selection = await selectionDocument.find(store, manifestKeys.selection(campaignId, epoch, version));
  if (selection === null) return false;
  if (selection.summary.kept === 0) return true;
  return (await methodDocument.find(store, manifestKeys.method(campaignId, sealMethod(epoch), policy))) !== null;
}

function unfinished({ spec }: CampaignInput, firstMissing: number, asked: number): BadInputError {
  const ended = firstMissing - 1;
  const so = ended === 0 ? 'the M-step of epoch 1 has not ended yet' : `1 to ${ended}: later M-steps have not ended`;
  const expected = asked > spec.epochs ? `1 to ${spec.epochs}, the campaign's epochs` : `an epoch that has ended (${so})`;
  return new BadInputError({ where: '--epoch', expected, got: String(asked) });
}

/** What an export is made from: equal ones are the same export. Holds no time and no machine's path. */
export interface ExportIdentity {
  readonly format: 'seal-policy';
  readonly kind: 'adapters' | 'merged';
  /** Of merged weights; adapters are float32. */
  readonly dtype: string;
  readonly campaignId: string;
  readonly campaign: string;
  readonly epoch: number;
  readonly seed: number;
  readonly codeVersion: string;
  readonly specSha256: string;
  readonly base: { readonly name: string; readonly files: PinnedModel['files'] };
  readonly adapters: readonly {
    readonly epoch: number;
    /** Folder of the export; null where it was merged. */
    readonly directory: string | null;
    readonly manifestSha256: string;
    readonly files: Readonly<Record<string, string>>;
    readonly lineage: Manifest['lineage'];
  }[];
}

export function identityOf({ input, epoch, adapters }: ExportedPolicy, kind: ExportIdentity['kind'], dtype: string): ExportIdentity {
  const { campaignId, spec, codeVersion, specSha256, model } = input;
  return {
    format: 'seal-policy',
    kind,
    dtype,
    campaignId,
    campaign: spec.name,
    epoch,
    seed: spec.seed,
    codeVersion,
    specSha256,
    base: { name: basename(model.directory), files: model.files },
    adapters: adapters.map(({ epoch: of, manifest }) => ({
      epoch: of,
      directory: kind === 'adapters' ? adapterFolder(of) : null,
      manifestSha256: manifestSha256(manifest),
      files: Object.fromEntries(Object.entries(manifest.files).map(([name, { sha256 }]) => [name, sha256])),
      lineage: manifest.lineage,
    })),
  };
}

export function adapterFolder(epoch: number): string {
  return `epoch-${epoch}`;
}

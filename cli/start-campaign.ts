import { pinnedSha256 } from '../record/pinned-model';
import type { CampaignInput } from '../campaign/campaign';
import { BadInputError } from '../campaign/errors';
import { heldOutFile, trainFile } from '../record/documents/campaign';
import { manifestKeys } from '../record/keys';
import type { Context } from '../seal/domains/domain';
import type { ArtifactStore } from '../storage/artifact-store';
import { canonicalJson } from '../storage/canonical-json';
import { checkConditionalWrites } from '../storage/conditional-writes';
import { hashBytes } from '../storage/content-hash';
import { openStoreFromEnvironment } from '../storage/open-store';
import { codeVersion } from '../workers/code-version';
import type { CampaignClient } from './campaign-client';
import type { PreparedCampaign } from './prepare-campaign';

const ID = /^[a-z0-9][a-z0-9-]{0,62}$/;

/**
 * @param where what the user wrote it as
 * @throws BadInputError for an id that could not be part of a workflow id and of an artifact's key
 */
export function checkCampaignId(id: string, where: string): string {
  if (ID.test(id)) return id;
  throw new BadInputError({
    where,
    expected: 'up to 63 lower-case letters, digits and hyphens, a hyphen not first',
    got: JSON.stringify(id),
  });
}

/** The campaign's name and the time in UTC: `demo-20260131-235959`. */
export function newCampaignId(name: string, now: Date): string {
  const stamp = now.toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  return `${name.slice(0, 46)}-${stamp}`;
}

/**
 * Stores the contexts and starts the workflow. Nothing is written before the id is known to be free, but canaries that are removed.
 * @param options `env` names the artifact store. @default this process's environment
 * @throws BadInputError for an id that is running, or that belongs to another campaign; for keys other than those of what runs; for a store
 * without conditional writes
 */
export async function startCampaign(
  campaigns: CampaignClient,
  campaignId: string,
  prepared: PreparedCampaign,
  { priority, env }: { readonly priority?: number | undefined; readonly env?: NodeJS.ProcessEnv } = {},
): Promise<void> {
  await campaigns.refuseRunning(campaignId);
  await campaigns.refuseForeignKeys();
  const store = await openStoreFromEnvironment(env);
  try {
    await checkConditionalWrites(store);
    await refuseOtherCampaign(store, campaignId, prepared);
    const { spec, specSha256, model, contexts, template } = prepared;
    const input: CampaignInput = {
      campaignId,
      spec,
      specSha256,
      codeVersion: codeVersion(),
      model,
      train: await trainFile.put(store, tasksOf(contexts.train)),
      heldOut: await heldOutFile.put(store, tasksOf(contexts.heldOut)),
      contexts: { train: contexts.train.length, heldOut: contexts.heldOut.length },
      ...(Object.keys(contexts.leftOut).length === 0 ? {} : { leftOut: contexts.leftOut }),
      ...(template === null ? {} : { template: await store.put(Buffer.from(template), 'text/plain') }),
    };
    await campaigns.start(input, priority);
  } finally {
    store.close();
  }
}

function tasksOf(contexts: readonly Context[]): unknown[] {
  return contexts.map(({ task }) => task);
}

/** An id goes on with what its store holds, so it can only be used again for the very same campaign. */
async function refuseOtherCampaign(store: ArtifactStore, campaignId: string, prepared: PreparedCampaign): Promise<void> {
  if ((await store.findManifest(manifestKeys.deletion(campaignId))) !== null) {
    throw new BadInputError({ where: '--id', expected: `an id whose deletion is finished ("seal delete ${campaignId} --yes" finishes it)`, got: JSON.stringify(campaignId) });
  }
  const manifest = await store.findManifest(manifestKeys.campaign(campaignId));
  if (manifest === null) return;
  const { inputs } = manifest.lineage;
  const changed = [
    { what: 'campaign file', then: inputs['spec'], now: prepared.specSha256 },
    { what: 'model', then: inputs['base'], now: pinnedSha256(prepared.model) },
    { what: 'training contexts', then: inputs['train'], now: jsonSha256(tasksOf(prepared.contexts.train)) },
    { what: 'held-out contexts', then: inputs['heldOut'], now: jsonSha256(tasksOf(prepared.contexts.heldOut)) },
    { what: 'template', then: inputs['template'], now: prepared.template === null ? undefined : hashBytes(Buffer.from(prepared.template)).sha256 },
    { what: 'code version', then: manifest.lineage.codeVersion, now: codeVersion() },
  ].find(({ then, now }) => then !== now);
  if (changed === undefined) return;
  throw new BadInputError({
    where: '--id',
    expected: 'an id that no other campaign has used',
    got: `${JSON.stringify(campaignId)}, which was started with another ${changed.what}`,
  });
}

function jsonSha256(value: unknown): string {
  return hashBytes(new TextEncoder().encode(canonicalJson(value))).sha256;
}

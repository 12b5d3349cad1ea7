import { z } from 'zod';
import { artifactRefSchema } from '../../contracts/artifacts';
import type { CampaignInput } from '../../contracts/campaign';
import { campaignSpecSchema, type Context, contextSchema } from '../../contracts/campaign-spec';
import { ArtifactMissingError } from '../../contracts/errors';
import type { ArtifactStore } from '../../storage/artifact-store';
import { DocumentType, noSummary } from '../document-type';
import { JsonFile, list, sha256, whole } from '../json-file';
import { manifestKeys } from '../keys';

const contextRefs = list(z.strictObject({ id: z.string(), index: whole }));
const leftOut = z.strictObject({ unanswerable: whole, withoutQuestions: whole });

/** What was pinned at the start. Timers are left out: they shape no result. */
export const inputFile = new JsonFile<Omit<CampaignInput, 'timings'>>(
  'input.json',
  z.strictObject({
    campaignId: z.string(),
    spec: campaignSpecSchema,
    specSha256: sha256,
    codeVersion: z.string(),
    model: z.strictObject({ directory: z.string(), files: z.record(z.string(), sha256) }),
    train: artifactRefSchema,
    heldOut: artifactRefSchema,
    trainContexts: contextRefs,
    heldOutContexts: contextRefs,
    leftOut: z.strictObject({ train: leftOut.exactOptional(), heldOut: leftOut.exactOptional() }).exactOptional(),
    template: artifactRefSchema.exactOptional(),
  }),
);

const contexts = list(contextSchema);
export const trainFile = new JsonFile<readonly Context[]>('train.json', contexts);
export const heldOutFile = new JsonFile<readonly Context[]>('heldOut.json', contexts);
/** Text; of campaigns with a prompt of their own. */
export const TEMPLATE_FILE = 'template.txt';

export const campaignDocument = new DocumentType('campaign', [manifestKeys.campaign], [inputFile, trainFile, heldOutFile], noSummary);

/** A campaign's pinned input. @throws ArtifactMissingError where no campaign of this id was ever pinned */
export async function readInput(store: ArtifactStore, campaignId: string): Promise<CampaignInput> {
  const input = await findInput(store, campaignId);
  if (input === null) throw new ArtifactMissingError(`${manifestKeys.campaign(campaignId)}: nothing in ${store.location}`);
  return input;
}

/** As `readInput`, but null where there is none. */
export async function findInput(store: ArtifactStore, campaignId: string): Promise<CampaignInput | null> {
  const found = await campaignDocument.find(store, manifestKeys.campaign(campaignId));
  return found === null ? null : inputFile.read(store, found);
}

import { z } from 'zod';
import { artifactRefSchema } from '../../campaign/artifacts';
import type { CampaignInput, Split } from '../../campaign/campaign';
import { campaignSpecSchema, promptOf } from '../../campaign/campaign-spec';
import { ArtifactMissingError } from '../../campaign/errors';
import { type Context, contextOf, type Domain, type ProposalWording } from '../../seal/domains/domain';
import type { Domains } from '../../seal/domains/registry';
import type { ArtifactStore } from '../../storage/artifact-store';
import { DocumentType, noSummary } from '../document-type';
import { JsonFile, list, sha256, whole } from '../json-file';
import { manifestKeys } from '../keys';

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
    contexts: z.strictObject({ train: whole, heldOut: whole }),
    leftOut: z.strictObject({ train: leftOut.exactOptional(), heldOut: leftOut.exactOptional() }).exactOptional(),
    template: artifactRefSchema.exactOptional(),
  }),
);

/** A split's tasks, whose schema is their domain's. */
const tasks = list(z.unknown());
export const trainFile = new JsonFile('train.json', tasks);
export const heldOutFile = new JsonFile('heldOut.json', tasks);

/** A split's tasks as their domain reads them. */
export function tasksFile<Task>(domain: Domain<Task>, split: Split): JsonFile<readonly Task[]> {
  return new JsonFile(split === 'train' ? trainFile.name : heldOutFile.name, list(domain.schema));
}

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

/** A campaign's inputs. `wording`: how self-edits are asked for. */
export interface CampaignData {
  readonly input: CampaignInput;
  readonly domain: Domain;
  /** In the campaign's order. */
  readonly contexts: Readonly<Record<Split, readonly Context[]>>;
  readonly wording: ProposalWording;
}

/** @throws ArtifactMissingError, ArtifactCorruptError; BadInputError for a domain that is none of these */
export async function readCampaignData(store: ArtifactStore, input: CampaignInput, domains: Domains): Promise<CampaignData> {
  const domain = domains.get(input.spec.domain);
  const contextsOf = async (split: Split): Promise<readonly Context[]> => (await tasksFile(domain, split).get(store, input[split])).map((task) => contextOf(domain, task));
  const [train, heldOut, wording] = await Promise.all([contextsOf('train'), contextsOf('heldOut'), wordingOf(store, input)]);
  return { input, domain, contexts: { train, heldOut }, wording };
}

/** How self-edits are asked for. */
export async function wordingOf(store: ArtifactStore, { template, spec }: CampaignInput): Promise<ProposalWording> {
  if (template === undefined) return { prompt: promptOf(spec) };
  return { template: Buffer.from(await store.get(template)).toString('utf8') };
}

import { dirname, resolve } from 'node:path';
import { loraOf } from '../activities/candidates/candidates';
import { pinModel } from '../activities/stored/model-directories';
import type { PinnedModel } from '../campaign/campaign';
import { type CampaignSpec, promptOf } from '../campaign/campaign-spec';
import type { Place } from '../campaign/bad-field';
import { BadInputError } from '../campaign/errors';
import { refuseIdleNames } from '../engine/files/adapted-modules';
import { type ModelDirectory, openModelDirectory } from '../engine/files/model-directory';
import { checkedTemplate } from '../seal/domains/knowledge/prompt-template';
import { DOMAINS } from '../seal/domains/registry';
import { sha256Hex } from '../seal/sha256';
import { canonicalJson } from '../storage/canonical-json';
import { loadCampaignContexts, type CampaignContexts } from './campaign-contexts';
import { decodeInput, readInputBytes } from './input-file';
import { checkRowLengths } from './row-lengths';
import { readYamlFile } from './yaml-file';

/** A campaign that can be started: every input read and found in order, nothing written yet. */
export interface PreparedCampaign {
  readonly spec: CampaignSpec;
  readonly specSha256: string;
  readonly model: PinnedModel;
  readonly contexts: CampaignContexts;
  /** The text of `proposals.template`; null where a prompt is named instead. */
  readonly template: string | null;
}

/**
 * Reads a campaign file and everything it names, each file once: what follows works with what is returned here.
 * @throws BadInputError with the line and field, or the file, of the first mistake
 */
export async function prepareCampaign(file: string): Promise<PreparedCampaign> {
  const { value: spec, where } = readYamlFile(file, DOMAINS.campaignSchema);
  const directory = dirname(resolve(file));
  const model = openModel(resolve(directory, spec.model), where);
  for (const section of ['innerLoop', 'mStep'] as const) refuseIdleNames(loraOf(spec[section]), model.config, (field) => where([section, field]));
  const domain = DOMAINS.get(spec.domain);
  const contexts = loadCampaignContexts(spec, domain, where, directory);
  const template = readTemplate(spec, directory);
  checkRowLengths({ spec, domain }, contexts, template === null ? { prompt: promptOf(spec) } : { template }, model);
  return {
    spec,
    specSha256: sha256Hex(canonicalJson(spec)),
    model: await pinModel(model.directory),
    contexts,
    template,
  };
}

function openModel(directory: string, where: Place): ModelDirectory {
  try {
    return openModelDirectory(directory);
  } catch (cause) {
    if (!(cause instanceof BadInputError)) throw cause;
    throw new BadInputError({ ...cause.detail, where: `${where(['model'])}: ${cause.detail.where}` }, { cause });
  }
}

/** A prompt of more is meant for no model. */
const MAX_TEMPLATE_BYTES = 2 ** 20;

/** Taken to the last character: a prompt that ends with a line end is another prompt. */
function readTemplate({ proposals }: CampaignSpec, directory: string): string | null {
  if (proposals.template === undefined) return null;
  const file = resolve(directory, proposals.template);
  return checkedTemplate(decodeInput(readInputBytes(file, MAX_TEMPLATE_BYTES), file), file);
}

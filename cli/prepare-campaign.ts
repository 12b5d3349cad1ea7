import { dirname, resolve } from 'node:path';
import { loraOf } from '../activities/candidates/candidates';
import { pinModel } from '../activities/stored/model-directories';
import type { PinnedModel } from '../contracts/campaign';
import type { CampaignSpec } from '../contracts/campaign-spec';
import { BadInputError } from '../contracts/errors';
import { refuseIdleNames } from '../engine/files/adapted-modules';
import { type ModelDirectory, openModelDirectory } from '../engine/files/model-directory';
import { checkedTemplate } from '../seal/knowledge/prompt-template';
import { sha256Hex } from '../seal/sha256';
import { canonicalJson } from '../storage/canonical-json';
import { loadCampaignContexts, type CampaignContexts } from './campaign-contexts';
import { readCampaignFile } from './campaign-file';
import { decodeInput, readInputBytes } from './input-file';
import { refuseLongRows } from './row-lengths';
import type { YamlFile } from './yaml-file';

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
 * Reads a campaign file and everything it names.
 * @throws BadInputError with the line and field, or the file, of the first mistake
 */
export async function prepareCampaign(file: string): Promise<PreparedCampaign> {
  const { spec, yaml } = readCampaignFile(file);
  const directory = dirname(resolve(file));
  const modelDirectory = resolve(directory, spec.model);
  const { config } = openModel(modelDirectory, yaml);
  for (const section of ['innerLoop', 'mStep'] as const) refuseIdleNames(loraOf(spec[section]), config, (field) => yaml.where([section, field]));
  const contexts = loadCampaignContexts(spec, yaml, directory);
  const template = readTemplate(spec, directory);
  refuseLongRows(spec, contexts, template === null ? { prompt: spec.proposals.prompt } : { template }, modelDirectory);
  return {
    spec,
    specSha256: sha256Hex(canonicalJson(spec)),
    model: await pinModel(modelDirectory),
    contexts,
    template,
  };
}

function openModel(directory: string, yaml: YamlFile): ModelDirectory {
  try {
    return openModelDirectory(directory);
  } catch (cause) {
    if (!(cause instanceof BadInputError)) throw cause;
    throw new BadInputError({ ...cause.detail, where: `${yaml.where(['model'])}: ${cause.detail.where}` }, { cause });
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

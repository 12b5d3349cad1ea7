import { dirname, join, resolve } from 'node:path';
import type { CampaignSpec } from '../contracts/campaign-spec';
import type { PinnedModel } from '../contracts/campaign';
import { BadInputError } from '../contracts/errors';
import { modelFiles, openModelDirectory } from '../engine/files/model-directory';
import { sha256Hex } from '../seal/sha256';
import { canonicalJson } from '../storage/canonical-json';
import { hashFile } from '../storage/content-hash';
import { loadCampaignContexts, type CampaignContexts } from './campaign-contexts';
import { readCampaignFile } from './campaign-file';
import { refuseLongRows } from './row-lengths';

/** A campaign that can be started: every input read and found in order, nothing written yet. */
export interface PreparedCampaign {
  readonly spec: CampaignSpec;
  readonly specSha256: string;
  readonly model: PinnedModel;
  readonly contexts: CampaignContexts;
}

/**
 * Reads a campaign file and everything it names.
 * @throws BadInputError with the line and field, or the file, of the first mistake
 */
export async function prepareCampaign(file: string): Promise<PreparedCampaign> {
  const { spec, yaml } = readCampaignFile(file);
  const directory = dirname(resolve(file));
  const modelDirectory = resolve(directory, spec.model);
  try {
    openModelDirectory(modelDirectory);
  } catch (cause) {
    if (!(cause instanceof BadInputError)) throw cause;
    throw new BadInputError({ ...cause.detail, where: `${yaml.where(['model'])}: ${cause.detail.where}` }, { cause });
  }
  const contexts = loadCampaignContexts(spec, yaml, directory);
  refuseLongRows(spec, contexts, modelDirectory);
  return {
    spec,
    specSha256: sha256Hex(canonicalJson(spec)),
    model: await pinModel(modelDirectory),
    contexts,
  };
}

async function pinModel(directory: string): Promise<PinnedModel> {
  const files: Record<string, string> = {};
  for (const name of modelFiles(directory)) files[name] = (await hashFile(join(directory, name))).sha256;
  return { directory, files };
}

import { campaignSpecSchema, type CampaignSpec } from '../contracts/campaign-spec';
import { BadInputError } from '../contracts/errors';
import { validated } from './validated-yaml';
import { readYamlFile, type YamlFile } from './yaml-file';

export interface CampaignFile {
  readonly spec: CampaignSpec;
  readonly yaml: YamlFile;
}

/**
 * A campaign file with its defaults filled in, every field checked by itself and against the others.
 * Looks at nothing but the file. @throws BadInputError with the line and path of the first mistake
 */
export function readCampaignFile(path: string): CampaignFile {
  const yaml = readYamlFile(path);
  const spec = validated(yaml, campaignSpecSchema);
  refuseContradictions(spec, yaml);
  return { spec, yaml };
}

/** What one field alone cannot show. */
function refuseContradictions(spec: CampaignSpec, yaml: YamlFile): void {
  const { k } = spec.proposals;
  if (spec.selection.keep > k) {
    throw new BadInputError({
      where: yaml.where(['selection', 'keep']),
      expected: `at most proposals.k, which is ${k}`,
      got: String(spec.selection.keep),
    });
  }
  for (const bounds of ['learningRate', 'trainEpochs'] as const) {
    const [lowest, highest] = spec.limits[bounds];
    if (lowest > highest) {
      throw new BadInputError({
        where: yaml.where(['limits', bounds]),
        expected: 'the lower bound first',
        got: `[${lowest}, ${highest}]`,
      });
    }
  }
  refuseEndpointGaps(spec, yaml);
  const { baselines } = spec.evaluation;
  const repeated = baselines.find((name, index) => baselines.indexOf(name) !== index);
  if (repeated !== undefined) {
    throw new BadInputError({ where: yaml.where(['evaluation', 'baselines']), expected: 'each baseline once', got: `${repeated} twice` });
  }
}

/** What is asked over HTTP needs an endpoint, and a prompt has one wording. */
function refuseEndpointGaps({ proposals, reward, evaluation }: CampaignSpec, yaml: YamlFile): void {
  const missing = (path: readonly string[], expected: string): BadInputError =>
    new BadInputError({ where: yaml.where(path), expected, got: 'nothing' });
  if (proposals.endpoint === undefined) {
    const path = ['proposals', 'endpoint'];
    if (proposals.source === 'endpoint') throw missing(path, 'url and model of an endpoint, for proposals.source: endpoint');
    if (evaluation.baselines.includes('endpoint')) throw missing(path, 'url and model of an endpoint, for the endpoint baseline');
  }
  if (reward.grader === 'judge' && reward.judge === undefined) {
    throw missing(['reward', 'judge'], 'url and model of an endpoint, for reward.grader: judge');
  }
  const written = (yaml.value as { readonly proposals?: { readonly prompt?: unknown } }).proposals?.prompt;
  if (proposals.template !== undefined && written !== undefined) {
    throw new BadInputError({ where: yaml.where(['proposals', 'template']), expected: 'a prompt or a template', got: 'both' });
  }
}

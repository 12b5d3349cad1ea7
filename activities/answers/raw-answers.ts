import type { Manifest } from '../../contracts/artifacts';
import { type CampaignInput, manifestKeys } from '../../contracts/campaign';
import type { GroupTask, UnadaptedTask } from '../activity-types';
import { computedBy, type ComputedBy } from '../execution/computed-by';
import { type MemoryBound, memoryLineage, memoryPartsOf } from '../execution/less-memory';
import type { Services } from '../services';
import { getManifestJson, manifestSha256, putJson } from '../stored/stored-json';
import type { Reply } from './answers';

/** What was answered in one computation, and what shaped it. */
export interface RawAnswers extends MemoryBound {
  /** One list an examinee, in order. */
  readonly replies: readonly (readonly Reply[])[];
  /** For lineages: name -> sha256. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly compute: ComputedBy;
}

const RAW_ANSWERS_FILE = 'raw-answers.json';

/** Where a judge gives the marks, answers wait for it in the store, so that the machine that gave them need not. */
export function isJudged({ spec }: CampaignInput): boolean {
  return spec.reward.grader === 'judge';
}

export function rawAnswersKey(task: GroupTask | UnadaptedTask): string {
  if ('chunk' in task) return manifestKeys.rawAnswers(task.campaign.campaignId, task.scope, `unadapted-${task.chunk}`);
  const { scope, group, repeat } = task;
  return manifestKeys.rawAnswers(scope.campaign.campaignId, scope.scope, `${group.from}-${group.to - 1}.r${repeat}`);
}

/** @param answer asked for unless an earlier attempt has published its answers */
export async function keepRawAnswers(services: Services, input: CampaignInput, key: string, answer: () => Promise<Omit<RawAnswers, 'compute'>>): Promise<void> {
  if ((await services.store.findManifest(key)) !== null) return;
  const { replies, inputs, memoryParts } = await answer();
  await services.store.publish(key, {
    kind: 'raw-answers',
    files: { [RAW_ANSWERS_FILE]: await putJson(services.store, replies) },
    lineage: {
      inputs,
      codeVersion: input.codeVersion,
      settings: { compute: computedBy(services, input), maxNewTokens: input.spec.evaluation.maxNewTokens, ...memoryLineage({ memoryParts }) },
    },
  });
}

/** @throws ArtifactMissingError where nothing was answered yet */
export async function readRawAnswers({ store }: Services, key: string): Promise<RawAnswers> {
  const manifest: Manifest = await store.readManifest(key);
  const { inputs, settings } = manifest.lineage;
  const replies = await getManifestJson<RawAnswers['replies']>(store, key, manifest, RAW_ANSWERS_FILE);
  return { replies, inputs: { ...inputs, rawAnswers: manifestSha256(manifest) }, compute: settings['compute'] as ComputedBy, memoryParts: memoryPartsOf(settings) };
}

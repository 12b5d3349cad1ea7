import type { CampaignInput } from '../../campaign/campaign';
import { manifestSha256 } from '../../record/document-type';
import { rawAnswersDocument, rawAnswersFile, type Reply } from '../../record/documents/candidates';
import { manifestKeys } from '../../record/keys';
import type { GroupTask, UnadaptedTask } from '../activity-types';
import { computedBy } from '../execution/computed-by';
import { type MemoryBound, memoryLineage } from '../execution/less-memory';
import { memoryPartsOf } from '../../record/lineage';
import type { Services } from '../services';

/** What was answered in one computation, and what shaped it. */
export interface RawAnswers extends MemoryBound {
  /** One list an examinee, in order. */
  readonly replies: readonly (readonly Reply[])[];
  /** For lineages: name -> sha256. */
  readonly inputs: Readonly<Record<string, string>>;
  /** As a lineage's settings name it. */
  readonly compute: unknown;
}

/** Where a judge gives the marks, answers wait for it in the store, so that the machine that gave them need not. */
export function isJudged({ spec }: CampaignInput): boolean {
  return spec.reward.grader === 'judge';
}

export function rawAnswersKey(task: GroupTask | UnadaptedTask): string {
  if ('chunk' in task) return manifestKeys.rawUnadapted(task.campaign.campaignId, task.scope, task.chunk);
  const { scope, group, repeat } = task;
  return manifestKeys.rawAnswers(scope.campaign.campaignId, scope.scope, group.from, group.to - 1, repeat);
}

/** @param answer asked for unless an earlier attempt has published its answers */
export async function keepRawAnswers(services: Services, input: CampaignInput, key: string, answer: () => Promise<Omit<RawAnswers, 'compute'>>): Promise<void> {
  if ((await services.store.findManifest(key)) !== null) return;
  const { replies, inputs, memoryParts } = await answer();
  await rawAnswersDocument.publish(services.store, key, {
    files: { [rawAnswersFile.name]: await rawAnswersFile.put(services.store, replies) },
    lineage: {
      inputs,
      codeVersion: input.codeVersion,
      settings: { compute: computedBy(services, input), maxNewTokens: input.spec.evaluation.maxNewTokens, ...memoryLineage({ memoryParts }) },
    },
  });
}

/** @throws ArtifactMissingError where nothing was answered yet */
export async function readRawAnswers({ store }: Services, key: string): Promise<RawAnswers> {
  const recorded = await rawAnswersDocument.read(store, key);
  const { inputs, settings } = recorded.manifest.lineage;
  const replies = await rawAnswersFile.read(store, recorded);
  return { replies, inputs: { ...inputs, rawAnswers: manifestSha256(recorded.manifest) }, compute: settings['compute'], memoryParts: memoryPartsOf(settings) };
}

import { type UnadaptedAnswers, unadaptedDocument, unadaptedFile } from '../record/documents/candidates';
import { manifestKeys } from '../record/keys';
import type { SealActivities, UnadaptedTask } from './activity-types';
import { examine } from './answers/answers';
import { gradeReplies, gradingSettings } from './answers/grade-replies';
import { isJudged, keepRawAnswers, type RawAnswers, rawAnswersKey, readRawAnswers } from './answers/raw-answers';
import { computedBy } from './execution/computed-by';
import { memoryLineage } from './execution/less-memory';
import { recordLost, runRecorded } from './execution/recorded-work';
import { asActivity, type RunningActivity } from './execution/running-activity';
import { chunkContexts, placesOf } from './propose-self-edits';
import { computeLimits, type Services } from './services';
import type { CampaignData } from '../record/documents/campaign';

/** The unadapted policy's answers for one fixed chunk of contexts. Where a judge gives the marks it is asked by `gradeBase`. */
export function evaluateBase(services: Services): SealActivities['evaluateBase'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async (running) => {
      const data = await services.campaigns.read(task.campaign);
      const { input } = data;
      await recordLost(services, input, running);
      if ((await services.store.findManifest(keyOf(task))) !== null) return;
      const answer = (): Promise<Omit<RawAnswers, 'compute'>> => answered(services, task, data, running);
      if (isJudged(input)) await keepRawAnswers(services, input, rawAnswersKey(task), answer);
      else await publish(services, task, data, { ...(await answer()), compute: computedBy(services, input) }, running.signal);
    });
}

/** Has a judge give the marks for a chunk's answers. @throws as `judgeAnswers`; ArtifactMissingError where nothing was answered yet */
export function gradeBase(services: Services): SealActivities['gradeBase'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async ({ signal }) => {
      if ((await services.store.findManifest(keyOf(task))) !== null) return;
      await publish(services, task, await services.campaigns.read(task.campaign), await readRawAnswers(services, rawAnswersKey(task)), signal);
    });
}

async function answered(services: Services, task: UnadaptedTask, data: CampaignData, running: RunningActivity): Promise<Omit<RawAnswers, 'compute'>> {
  const { input } = data;
  await using policy = await services.models.policy(input.model, task.policy, computeLimits(input));
  const examinees = chunkContexts(task, task.chunk, data).map(({ task: asked }) => ({ adapterDirectory: null, task: asked }));
  const { replies } = await runRecorded(services, input, running, {
    work: { kind: 'unadapted', scope: task.scope, ...placesOf(task, task.chunk, data), repeat: 0, ...memoryLineage(task) },
    compute: (options) => examine(services.model, data.domain, input, { modelDirectory: policy.directory, ...memoryLineage(task) }, examinees, options),
    costOf: ({ generatedTokens }) => ({ generatedTokens }),
  });
  return { replies, inputs: { contexts: input[task.split].sha256, ...policy.inputs }, ...memoryLineage(task) };
}

async function publish(services: Services, task: UnadaptedTask, data: CampaignData, raw: RawAnswers, signal: AbortSignal): Promise<void> {
  const { input } = data;
  const marked = await gradeReplies(services, input, raw.replies, signal);
  const answers: UnadaptedAnswers[] = chunkContexts(task, task.chunk, data).map(({ id }, i) => ({ contextId: id, answers: marked[i]! }));
  await unadaptedDocument.publish(services.store, keyOf(task), {
    files: { [unadaptedFile.name]: await unadaptedFile.put(services.store, answers) },
    lineage: {
      inputs: raw.inputs,
      codeVersion: input.codeVersion,
      settings: { ...gradingSettings(input), compute: raw.compute, contextsPerChunk: task.contextsPerChunk, ...memoryLineage(raw) },
    },
  });
}

/** A chunk's published answers, or null. */
export async function findUnadapted(services: Services, task: Pick<UnadaptedTask, 'campaign' | 'scope' | 'chunk'>): Promise<readonly UnadaptedAnswers[] | null> {
  const found = await unadaptedDocument.find(services.store, keyOf(task));
  return found === null ? null : unadaptedFile.read(services.store, found);
}

function keyOf({ campaign, scope, chunk }: Pick<UnadaptedTask, 'campaign' | 'scope' | 'chunk'>): string {
  return manifestKeys.unadapted(campaign.campaignId, scope, chunk);
}

import { type UnadaptedAnswers, unadaptedDocument, unadaptedFile } from '../record/documents/candidates';
import { manifestKeys } from '../record/keys';
import type { SealActivities, UnadaptedTask } from './activity-types';
import { examine } from './answers/answers';
import { gradeReplies, gradingSettings } from './answers/grade-replies';
import { computedBy } from './execution/computed-by';
import { memoryLineage } from './execution/less-memory';
import { recordLost, runRecorded } from './execution/recorded-work';
import { asActivity } from './execution/running-activity';
import { chunkContexts } from './propose-self-edits';
import { computeLimits, type Services } from './services';

/** The unadapted policy's answers for one fixed chunk of contexts. */
export function evaluateBase(services: Services): SealActivities['evaluateBase'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async (running) => {
      const data = await services.campaigns.read(task.campaign);
      const { input } = data;
      await recordLost(services, input, running);
      if ((await services.store.findManifest(keyOf(task))) !== null) return;
      const policy = await services.models.policy(input.model, task.policyAdapters, computeLimits(input));
      const contexts = chunkContexts(task, task.chunk, data);
      const examinees = contexts.map(({ context }) => ({ adapterDirectory: null, context }));
      const from = (task.chunk - 1) * task.contextsPerChunk;
      const work = { kind: 'unadapted', scope: task.scope, from, to: from + contexts.length, repeat: 0, ...memoryLineage(task) } as const;
      const examined = await runRecorded(services, input, running, {
        work,
        compute: (options) => examine(services.model, services.domain, input, { modelDirectory: policy.directory, ...memoryLineage(task) }, examinees, options),
        costOf: ({ generatedTokens }) => ({ generatedTokens }),
      });
      const marked = await gradeReplies(services, input, examined.replies, running.signal);
      const answers: UnadaptedAnswers[] = contexts.map(({ id }, i) => ({ contextId: id, answers: marked[i]! }));
      await unadaptedDocument.publish(services.store, keyOf(task), {
        files: { [unadaptedFile.name]: await unadaptedFile.put(services.store, answers) },
        lineage: {
          inputs: { contexts: input[task.split].sha256, ...policy.inputs },
          codeVersion: input.codeVersion,
          settings: { ...gradingSettings(input), compute: computedBy(services, input), contextsPerChunk: task.contextsPerChunk, ...memoryLineage(task) },
        },
      });
    });
}

/** A chunk's published answers, or null. */
export async function findUnadapted(services: Services, task: UnadaptedTask): Promise<readonly UnadaptedAnswers[] | null> {
  const found = await unadaptedDocument.find(services.store, keyOf(task));
  return found === null ? null : unadaptedFile.read(services.store, found);
}

function keyOf({ campaign, scope, chunk }: UnadaptedTask): string {
  return manifestKeys.unadapted(campaign.campaignId, scope, chunk);
}

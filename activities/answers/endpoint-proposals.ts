import { Context as ActivityContext } from '@temporalio/activity';
import type { CampaignSpec } from '../../campaign/campaign-spec';
import type { EndpointSettings } from '../../campaign/endpoint';
import { BadInputError } from '../../campaign/errors';
import { manifestKeys } from '../../record/keys';
import { byContext, type Range } from '../../seal/algorithm/plan';
import type { Context, SelfEdit } from '../../seal/domains/domain';
import { proposalSeed } from '../../seal/algorithm/seeds';
import type { ProposalTask } from '../activity-types';
import { seedScope } from '../candidates/seed-scope';
import { recordWork } from '../execution/recorded-work';
import { type RunningActivity, WORKER } from '../execution/running-activity';
import type { Services } from '../services';
import type { CampaignData } from '../../record/documents/campaign';
import { askAll } from './ask-all';
import { storedAnswer } from './stored-answer';

export const PROPOSALS_ENDPOINT = 'proposals.endpoint';
const FIELDS = { limitField: 'proposals.maxNewTokens', temperatureField: 'proposals.temperature' };

/** @throws BadInputError where the campaign names none */
export function proposalsEndpoint({ proposals }: CampaignSpec): EndpointSettings {
  if (proposals.endpoint !== undefined) return proposals.endpoint;
  throw new BadInputError({ where: PROPOSALS_ENDPOINT, expected: 'the endpoint that writes self-edits', got: 'nothing' });
}

/**
 * Self-edits that the campaign's endpoint writes for these contexts, one list a context. Each is stored as it arrives, so
 * that an attempt that follows asks for the rest only.
 */
export async function endpointProposals(
  services: Services,
  task: ProposalTask & { readonly positions: Range },
  data: CampaignData,
  contexts: readonly Context[],
  { signal, onProgress }: RunningActivity,
): Promise<readonly (readonly SelfEdit[])[]> {
  const { input, domain, wording } = data;
  const { proposals, seed: campaignSeed } = input.spec;
  const endpoint = services.endpoints.open(PROPOSALS_ENDPOINT, proposalsEndpoint(input.spec));
  const { maxNewTokens, temperature, topP } = proposals;
  const total = contexts.length * task.perContext;
  let [done, generatedTokens] = [0, 0];
  const works = contexts.flatMap(({ id, task: asked }) =>
    Array.from({ length: task.perContext }, (_, i) => async (inner: AbortSignal) => {
      const key = manifestKeys.endpointAnswer(input.campaignId, task.scope, id, i + 1);
      const seed = proposalSeed(campaignSeed, seedScope(task), id, i + 1);
      const lineage = { inputs: proposalInputs(task, data), seed, codeVersion: input.codeVersion, settings: { ...proposals } };
      const request = { prompt: domain.proposalPrompt(asked, wording).prompt, maxNewTokens, temperature, topP, seed, ...FIELDS, isUsableCutOff: () => true };
      const answer = await storedAnswer(services.store, key, lineage, endpoint, request, inner);
      generatedTokens += answer.generatedTokens;
      onProgress({ done: (done += 1), total, unit: 'rows' });
      return answer;
    }),
  );
  const { attempt } = ActivityContext.current().info;
  const computation = { kind: 'propose', scope: task.scope, ...task.positions, repeat: 0, worker: WORKER, attempt, startedMs: Date.now(), peakMemoryBytes: 0, redoneSteps: 0 } as const;
  let outcome: 'done' | 'failed' = 'failed';
  try {
    const answers = await askAll(signal, works);
    outcome = 'done';
    return byContext(answers.map(({ text, isCutOff }) => ({ text, ...(isCutOff && { isCutOff }) })), task.perContext);
  } finally {
    await recordWork(services, input, computation, { endedMs: Date.now(), outcome, costs: { generatedTokens } });
  }
}

/** What every proposal is made from: name -> sha256. */
export function proposalInputs(task: Pick<ProposalTask, 'split'>, { input }: CampaignData): Record<string, string> {
  const template = input.template === undefined ? {} : { template: input.template.sha256 };
  return { contexts: input[task.split].sha256, ...template };
}

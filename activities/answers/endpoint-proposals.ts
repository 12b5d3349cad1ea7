import { manifestKeys } from '../../contracts/campaign';
import type { CampaignSpec, Context } from '../../contracts/campaign-spec';
import type { EndpointSettings } from '../../contracts/endpoint';
import { BadInputError } from '../../contracts/errors';
import type { SelfEdit } from '../../seal/domain';
import { proposalSeed } from '../../seal/rest-em';
import type { ProposalTask, Spent } from '../activity-types';
import { seedScope } from '../candidates/seed-scope';
import type { RunningActivity } from '../execution/running-activity';
import type { Services } from '../services';
import type { CampaignData } from '../stored/campaign-data';
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
  task: ProposalTask,
  data: CampaignData,
  contexts: readonly { readonly id: string; readonly context: Context }[],
  { signal, onProgress }: Pick<RunningActivity, 'signal' | 'onProgress'>,
): Promise<{ readonly selfEdits: readonly (readonly SelfEdit[])[]; readonly spent: Pick<Spent, 'generateSeconds' | 'generatedTokens'> }> {
  const { input, wording } = data;
  const { proposals, seed: campaignSeed } = input.spec;
  const endpoint = services.endpoints.open(PROPOSALS_ENDPOINT, proposalsEndpoint(input.spec));
  const { maxNewTokens, temperature, topP } = proposals;
  const total = contexts.length * task.perContext;
  let done = 0;
  const startedMs = performance.now();
  const works = contexts.flatMap(({ id, context }) =>
    Array.from({ length: task.perContext }, (_, i) => async (inner: AbortSignal) => {
      const key = manifestKeys.endpointAnswer(input.campaignId, task.scope, id, i + 1);
      const seed = proposalSeed(campaignSeed, seedScope(task), id, i + 1);
      const lineage = { inputs: proposalInputs(task, data), seed, codeVersion: input.codeVersion, settings: { ...proposals } };
      const request = { prompt: services.domain.proposalPrompt(context, wording).prompt, maxNewTokens, temperature, topP, seed, ...FIELDS, isUsableCutOff: () => true };
      const answer = await storedAnswer(services.store, key, lineage, endpoint, request, inner);
      onProgress({ done: (done += 1), total, unit: 'rows' });
      return answer;
    }),
  );
  const answers = await askAll(signal, works);
  const generatedTokens = answers.reduce((sum, answer) => sum + answer.generatedTokens, 0);
  return {
    selfEdits: contexts.map((_, i) => answers.slice(i * task.perContext, (i + 1) * task.perContext).map(({ text, isCutOff }) => ({ text, ...(isCutOff && { isCutOff }) }))),
    spent: { generateSeconds: (performance.now() - startedMs) / 1000, generatedTokens },
  };
}

/** What every proposal is made from: name -> sha256. */
export function proposalInputs(task: Pick<ProposalTask, 'split'>, { input }: CampaignData): Record<string, string> {
  const template = input.template === undefined ? {} : { template: input.template.sha256 };
  return { contexts: input[task.split].sha256, ...template };
}

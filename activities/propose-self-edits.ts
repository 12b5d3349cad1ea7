import { BadInputError } from '../campaign/errors';
import { chunkFile, proposalsChunkDocument } from '../record/documents/self-edits';
import { manifestKeys } from '../record/keys';
import { byContext, contextsOfChunk, numbersIn, positionsOfContexts, type Range } from '../seal/algorithm/plan';
import type { Context, SelfEdit } from '../seal/domains/domain';
import { proposalSeed } from '../seal/algorithm/seeds';
import type { ProposalTask, SealActivities } from './activity-types';
import { endpointProposals, proposalInputs } from './answers/endpoint-proposals';
import { seedScope } from './candidates/seed-scope';
import { computedBy } from './execution/computed-by';
import { memoryLineage } from './execution/less-memory';
import { recordLost, runRecorded } from './execution/recorded-work';
import { asActivity, type RunningActivity } from './execution/running-activity';
import { computeLimits, type Services } from './services';
import type { CampaignData } from '../record/documents/campaign';
import { contextAt } from './stored/campaign-data';

/** What a chunk's contexts got, one list each, and from what. */
interface Proposed {
  readonly selfEdits: readonly (readonly SelfEdit[])[];
  /** For the lineage: name -> sha256. */
  readonly inputs: Readonly<Record<string, string>>;
}

type ChunkTask = ProposalTask & { readonly chunk: number };
type ChunkContexts = ReturnType<typeof chunkContexts>;

/**
 * Self-edits for one fixed chunk of contexts: sampled from the policy in one batch, taken from the contexts' own recorded
 * completions, or asked of the campaign's endpoint. Published once; a second attempt finds them.
 *
 * @throws BadInputError when a context has fewer recorded completions than asked for; as `TextEndpoint.ask`
 */
export function proposeSelfEdits(services: Services): SealActivities['proposeSelfEdits'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async (running) => {
      const { store } = services;
      const data = await services.campaigns.read(task.campaign);
      const { input } = data;
      await recordLost(services, input, running);
      const key = manifestKeys.proposalsChunk(task.campaign.campaignId, task.scope, task.chunk);
      if ((await store.findManifest(key)) !== null) return;
      const contexts = chunkContexts(task, task.chunk, data);
      const { selfEdits, inputs } = await proposed(services, task, data, contexts, running);
      const chunk = contexts.map(({ id }, i) => ({ contextId: id, selfEdits: selfEdits[i]! }));
      await proposalsChunkDocument.publish(store, key, {
        files: { [chunkFile.name]: await chunkFile.put(store, chunk) },
        lineage: {
          inputs,
          seed: input.spec.seed,
          codeVersion: input.codeVersion,
          settings: {
            ...input.spec.proposals,
            source: task.source,
            perContext: task.perContext,
            contextsPerChunk: task.contextsPerChunk,
            ...(task.source === 'policy' ? { compute: computedBy(services, input), ...memoryLineage(task) } : {}),
          },
        },
      });
    });
}

async function proposed(
  services: Services,
  task: ChunkTask,
  data: CampaignData,
  contexts: ChunkContexts,
  running: RunningActivity,
): Promise<Proposed> {
  switch (task.source) {
    case 'recorded': {
      const selfEdits = contexts.map((context) => recorded(context, data, task.perContext));
      return { selfEdits, inputs: proposalInputs(task, data) };
    }
    case 'endpoint':
      return { selfEdits: await endpointProposals(services, { ...task, positions: positionsOf(task, data) }, data, contexts, running), inputs: proposalInputs(task, data) };
    case 'policy':
      return sampled(services, task, data, contexts, running);
  }
}

async function sampled(
  services: Services,
  task: ChunkTask,
  data: CampaignData,
  contexts: ChunkContexts,
  running: RunningActivity,
): Promise<Proposed> {
  const { model } = services;
  const { input, domain, wording } = data;
  await using policy = await services.models.policy(input.model, task.policy, computeLimits(input));
  const rows = contexts.flatMap(({ id, task: asked }) =>
    Array.from({ length: task.perContext }, (_, i) => ({
      ...domain.proposalPrompt(asked, wording),
      seed: proposalSeed(input.spec.seed, seedScope(task), id, i + 1),
    })),
  );
  const { temperature, topP, maxNewTokens } = input.spec.proposals;
  const request = { modelDirectory: policy.directory, compute: input.spec.compute, groups: [{ adapterDirectory: null, rows }], maxNewTokens, temperature, topP, ...memoryLineage(task) };
  const work = { kind: 'propose', scope: task.scope, ...positionsOf(task, data), repeat: 0, ...memoryLineage(task) } as const;
  const generated = await runRecorded(services, input, running, {
    work,
    compute: (options) => model.generate(request, options),
    costOf: ({ generatedTokens }) => ({ generatedTokens }),
  });
  const all = generated.groups[0]!.map(({ text, tokenIds, finish }): SelfEdit => ({ text, tokenIds, ...(finish === 'length' && { isCutOff: true }) }));
  return {
    selfEdits: byContext(all, task.perContext),
    inputs: { ...proposalInputs(task, data), ...policy.inputs },
  };
}

/** The contexts of a chunk (from 1). */
export function chunkContexts(
  task: Pick<ProposalTask, 'contextsPerChunk' | 'split'>,
  chunk: number,
  data: CampaignData,
): Context[] {
  return numbersIn(placesOf(task, chunk, data)).map((place) => contextAt(data, task.split, place));
}

function positionsOf(task: ChunkTask, data: CampaignData): Range {
  return positionsOfContexts(placesOf(task, task.chunk, data), task.perContext);
}

/** Places of a chunk's contexts in the campaign's order. */
export function placesOf({ contextsPerChunk, split }: Pick<ProposalTask, 'contextsPerChunk' | 'split'>, chunk: number, data: CampaignData): Range {
  return contextsOfChunk(chunk, contextsPerChunk, data.contexts[split].length);
}

export async function readChunk({ store }: Services, task: ProposalTask, chunk: number) {
  return chunkFile.read(store, await proposalsChunkDocument.read(store, manifestKeys.proposalsChunk(task.campaign.campaignId, task.scope, chunk)));
}

function recorded({ id, task }: Context, { domain }: CampaignData, count: number): SelfEdit[] {
  const selfEdits = domain.recordedSelfEdits(task);
  if (selfEdits.length < count) {
    throw new BadInputError({ where: `context ${id}: completions`, expected: `at least ${count}, for proposals.source: recorded`, got: `${selfEdits.length}` });
  }
  return selfEdits.slice(0, count).map((text) => ({ text }));
}

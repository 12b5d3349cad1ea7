import { manifestKeys } from '../contracts/campaign';
import type { Context } from '../contracts/campaign-spec';
import { BadInputError } from '../contracts/errors';
import { proposalSeed } from '../seal/rest-em';
import { NOTHING_SPENT, type ProposalTask, type SealActivities } from './activity-types';
import { type CampaignData, contextAt, contextRefs } from './campaign-data';
import { seedScope } from './seed-scope';
import { runRecorded } from './recorded-work';
import { asActivity } from './running-activity';
import { computeLimitMs, type Services } from './services';
import { getManifestJson, putJson } from './stored-json';

/** A chunk's self-edits as generated or recorded, one list a context. */
export type ProposedChunk = readonly { readonly contextId: string; readonly texts: readonly string[] }[];

export const CHUNK_FILE = 'self-edits.json';

/**
 * Self-edits for one fixed chunk of contexts, sampled from the policy in one batch or taken from the contexts' own recorded
 * completions. Published once; a second attempt finds them.
 *
 * @throws BadInputError when a context has fewer recorded completions than asked for
 */
export function proposeSelfEdits(services: Services): SealActivities['proposeSelfEdits'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async ({ signal, onProgress, retries }) => {
      const { store, domain, model } = services;
      const key = manifestKeys.proposalsChunk(task.campaign.campaignId, task.scope, task.chunk);
      const known = await store.findManifest(key);
      if (known !== null) return { spent: { ...NOTHING_SPENT, retries } };
      const data = await services.campaigns.read(task.campaign);
      const { input } = data;
      const contexts = chunkContexts(task, task.chunk, data);
      let texts: readonly (readonly string[])[];
      let spent = { ...NOTHING_SPENT, retries };
      let inputs: Readonly<Record<string, string>> = { contexts: input[task.split].sha256 };
      if (task.source === 'recorded') {
        texts = contexts.map(({ id, context }) => recorded(id, context, task.perContext));
      } else {
        const policy = await services.models.policy(input.model, task.policyAdapters, computeLimitMs(input));
        inputs = { ...inputs, ...policy.inputs };
        const rows = contexts.flatMap(({ id, context }) =>
          Array.from({ length: task.perContext }, (_, i) => ({
            prompt: domain.proposalPrompt(context),
            seed: proposalSeed(input.spec.seed, seedScope(task), id, i + 1),
          })),
        );
        const { temperature, topP, maxNewTokens } = input.spec.proposals;
        const request = { modelDirectory: policy.directory, groups: [{ adapterDirectory: null, rows }], maxNewTokens, temperature, topP };
        const from = (task.chunk - 1) * task.contextsPerChunk * task.perContext;
        const work = { kind: 'propose', scope: task.scope, from, to: from + rows.length, repeat: 0 } as const;
        const generated = await runRecorded(services, input, work, signal, (inner) =>
          model.generate(request, { signal: inner, onProgress }),
        );
        const all = generated.groups[0]!.map(({ text }) => text);
        texts = contexts.map((_, i) => all.slice(i * task.perContext, (i + 1) * task.perContext));
        spent = { ...spent, generateSeconds: generated.seconds, generatedTokens: generated.generatedTokens };
      }
      const chunk: ProposedChunk = contexts.map(({ id }, i) => ({ contextId: id, texts: texts[i]! }));
      await store.publish(key, {
        kind: 'proposals-chunk',
        files: { [CHUNK_FILE]: await putJson(store, chunk) },
        lineage: {
          inputs,
          seed: input.spec.seed,
          codeVersion: input.codeVersion,
          settings: { ...input.spec.proposals, source: task.source, perContext: task.perContext, contextsPerChunk: task.contextsPerChunk },
        },
      });
      return { spent };
    });
}

/** Number of chunks that cover a task's contexts. */
export function chunkCount(task: Pick<ProposalTask, 'contextsPerChunk'>, contexts: number): number {
  return Math.ceil(contexts / task.contextsPerChunk);
}

/** The contexts of a chunk (from 1). */
export function chunkContexts(
  task: Pick<ProposalTask, 'contextsPerChunk' | 'split'>,
  chunk: number,
  data: CampaignData,
): { readonly id: string; readonly context: Context }[] {
  const from = (chunk - 1) * task.contextsPerChunk;
  const to = Math.min(from + task.contextsPerChunk, contextRefs(data, task.split).length);
  return Array.from({ length: to - from }, (_, i) => contextAt(data, task.split, from + i));
}

export async function readChunk(services: Services, task: ProposalTask, chunk: number): Promise<ProposedChunk> {
  const key = manifestKeys.proposalsChunk(task.campaign.campaignId, task.scope, chunk);
  return getManifestJson<ProposedChunk>(services.store, key, await services.store.readManifest(key), CHUNK_FILE);
}

function recorded(contextId: string, context: Context, count: number): string[] {
  const completions = context.completions ?? [];
  if (completions.length < count) {
    throw new BadInputError({
      where: `context ${contextId}: completions`,
      expected: `at least ${count}, for proposals.source: recorded`,
      got: `${completions.length}`,
    });
  }
  return completions.slice(0, count);
}

import type { Context } from '../contracts/campaign-spec';
import type { TrainingRow } from '../contracts/language-model';
import { readAll } from '../record/bounded-reads';
import { type Proposal, proposalsDocument, proposalsFile } from '../record/documents/self-edits';
import { manifestKeys } from '../record/keys';
import type { SelfEdit } from '../seal/domain';
import { chunkCount } from '../seal/algorithm/plan';
import type { ProposalTask, SealActivities } from './activity-types';
import { rowTokenLimit } from './candidates/row-tokens';
import { asActivity } from './execution/running-activity';
import { chunkContexts, readChunk } from './propose-self-edits';
import { computeLimits, type Services } from './services';
import { type CampaignData, contextRefs } from './stored/campaign-data';

/** Joins a scope's chunks into one list in fixed order, and marks what the model's tokenizer finds too long to train on. */
export function collectProposals(services: Services): SealActivities['collectProposals'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async ({ signal }) => {
      const { store } = services;
      const key = manifestKeys.proposals(task.campaign.campaignId, task.scope);
      const known = await proposalsDocument.find(store, key);
      if (known !== null) return { proposals: proposalsFile.refIn(known) };
      const data = await services.campaigns.read(task.campaign);
      const chunks = chunkCount(contextRefs(data, task.split).length, task.contextsPerChunk);
      const numbers = Array.from({ length: chunks }, (_, i) => i + 1);
      const lists = await readAll(numbers, (chunk) => collectChunk(services, task, chunk, data, signal));
      const published = await proposalsDocument.publish(store, key, {
        files: { [proposalsFile.name]: await proposalsFile.put(store, lists.flat()) },
        lineage: {
          inputs: { contexts: data.input[task.split].sha256 },
          codeVersion: data.input.codeVersion,
          settings: { limits: data.input.spec.limits, chunks },
        },
      });
      return { proposals: proposalsFile.refIn(published) };
    });
}

async function collectChunk(
  services: Services,
  task: ProposalTask,
  chunk: number,
  data: CampaignData,
  signal: AbortSignal,
): Promise<Proposal[]> {
  const { input } = data;
  const proposed = await readChunk(services, task, chunk);
  const plain = chunkContexts(task, chunk, data).flatMap(({ id, context }, place) =>
    proposed[place]!.selfEdits.map((selfEdit, i) => {
      const parsed = services.domain.parseSelfEdit(selfEdit, context, input.spec);
      const rows = parsed.accepted ? parsed.rows : [];
      return { proposal: { contextId: id, candidate: i + 1, ...selfEdit }, rows, policyRows: foreignPolicyRows(services, task, data, context, selfEdit) };
    }),
  );
  const { tokenizer } = services;
  const options = { signal, stallMs: computeLimits(input).stallMs };
  const measure = (rows: readonly TrainingRow[]): Promise<readonly number[]> => tokenizer.countTokens({ modelDirectory: input.model.directory, rows }, options);
  const { limit, counts, contextLength, policyCounts } = await services.models.reading(input.model, async () => ({
    limit: await rowTokenLimit(tokenizer, input, options),
    counts: await measure(plain.flatMap(({ rows }) => rows)),
    contextLength: (await tokenizer.describe(input.model.directory, options)).contextLength,
    policyCounts: await measure(plain.flatMap(({ policyRows }) => policyRows)),
  }));
  const longest = (all: readonly number[], sizes: readonly number[]): number[] => {
    let next = 0;
    return sizes.map((size) => all.slice(next, (next += size)).reduce((most, count) => Math.max(most, count), 0));
  };
  const longestRows = longest(counts, plain.map(({ rows }) => rows.length));
  const longestPolicyRows = longest(policyCounts, plain.map(({ policyRows }) => policyRows.length));
  return plain.map(({ proposal }, i) => {
    if (longestRows[i]! > limit) return { ...proposal, tooLong: `a training row of ${longestRows[i]} tokens, where ${limit} are allowed` };
    if (longestPolicyRows[i]! <= contextLength) return proposal;
    const tokens = longestPolicyRows[i];
    return { ...proposal, tooLong: `with its prompt ${tokens} tokens, too many for the policy to learn it: its context is ${contextLength}` };
  });
}

/**
 * What the M-step would train the policy on, of a self-edit that another model wrote: only such a one can be longer than the
 * policy's context.
 */
function foreignPolicyRows({ domain }: Services, task: ProposalTask, data: CampaignData, context: Context, selfEdit: SelfEdit): TrainingRow[] {
  if (task.source !== 'endpoint' || task.split !== 'train') return [];
  const row = domain.policyRow(context, selfEdit, data.wording);
  return row === null ? [] : [row];
}

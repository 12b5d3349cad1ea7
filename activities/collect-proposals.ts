import type { TrainingRow } from '../campaign/language-model';
import { readAll } from '../record/bounded-reads';
import { type Proposal, proposalsDocument, proposalsFile } from '../record/documents/self-edits';
import { manifestKeys } from '../record/keys';
import type { Context, SelfEdit } from '../seal/domains/domain';
import { proposalSeed } from '../seal/algorithm/seeds';
import { chunkCount } from '../seal/algorithm/plan';
import type { ProposalTask, SealActivities } from './activity-types';
import { rowTokenLimit } from './candidates/row-tokens';
import { seedScope } from './candidates/seed-scope';
import { asActivity } from './execution/running-activity';
import { chunkContexts, readChunk } from './propose-self-edits';
import { computeLimits, type Services } from './services';
import type { CampaignData } from '../record/documents/campaign';

/** Joins a scope's chunks into one list in fixed order, each with what is trained on or why nothing can be. */
export function collectProposals(services: Services): SealActivities['collectProposals'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async ({ signal }) => {
      const { store } = services;
      const key = manifestKeys.proposals(task.campaign.campaignId, task.scope);
      const known = await proposalsDocument.find(store, key);
      if (known !== null) return { proposals: proposalsFile.refIn(known) };
      const data = await services.campaigns.read(task.campaign);
      const chunks = chunkCount(data.contexts[task.split].length, task.contextsPerChunk);
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

/** Every self-edit is parsed here, once: whatever comes later reads its rows, or why it is rejected. */
async function collectChunk(services: Services, task: ProposalTask, chunk: number, data: CampaignData, signal: AbortSignal): Promise<Proposal[]> {
  const { input, domain } = data;
  const { tokenizer } = services;
  const proposed = await readChunk(services, task, chunk);
  const plain = chunkContexts(task, chunk, data).flatMap((context, place) =>
    proposed[place]!.selfEdits.map((selfEdit, i) => {
      const seed = proposalSeed(input.spec.seed, seedScope(task), context.id, i + 1);
      return { context, candidate: i + 1, selfEdit, parsed: domain.parse(selfEdit, context.task, input.spec, seed) };
    }),
  );
  const options = { signal, stallMs: computeLimits(input).stallMs };
  const longest = async (lists: readonly (readonly TrainingRow[])[]): Promise<number[]> => {
    const counts = await tokenizer.countTokens({ modelDirectory: input.model.directory, rows: lists.flat() }, options);
    let next = 0;
    return lists.map(({ length }) => counts.slice(next, (next += length)).reduce((most, count) => Math.max(most, count), 0));
  };
  const { limit, rows, contextLength, policyRows } = await services.models.reading(input.model, async () => ({
    limit: await rowTokenLimit(tokenizer, input, options),
    rows: await longest(plain.map(({ parsed }) => (parsed.accepted ? parsed.rows : []))),
    contextLength: (await tokenizer.describe(input.model.directory, options)).contextLength,
    policyRows: await longest(plain.map(({ context, selfEdit }) => foreignPolicyRows(task, data, context, selfEdit))),
  }));
  const tooLong = (i: number): string | null => {
    if (rows[i]! > limit) return `a training row of ${rows[i]} tokens, where ${limit} are allowed`;
    return policyRows[i]! <= contextLength ? null : `with its prompt ${policyRows[i]} tokens, too many for the policy to learn it: its context is ${contextLength}`;
  };
  return plain.map(({ context, candidate, selfEdit, parsed }, i) => {
    const reason = parsed.accepted ? tooLong(i) : null;
    return { contextId: context.id, candidate, ...selfEdit, parsed: reason === null ? parsed : { accepted: false, reason } };
  });
}

/**
 * What the M-step would train the policy on, of a self-edit that another model wrote: only such a one can be longer than the
 * policy's context.
 */
function foreignPolicyRows(task: ProposalTask, { domain, wording }: CampaignData, context: Context, selfEdit: SelfEdit): TrainingRow[] {
  if (task.source !== 'endpoint' || task.split !== 'train') return [];
  const row = domain.policyRow(context.task, selfEdit, wording);
  return row === null ? [] : [row];
}

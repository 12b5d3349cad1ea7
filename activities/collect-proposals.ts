import { manifestKeys } from '../contracts/campaign';
import type { ProposalTask, SealActivities } from './activity-types';
import { type CampaignData, contextRefs } from './campaign-data';
import { chunkContexts, chunkCount, readChunk } from './propose-self-edits';
import type { Proposal } from './proposals';
import { rowTokenLimit, rowTokens } from './row-tokens';
import { asActivity } from './running-activity';
import { computeLimitMs, type Services } from './services';
import { fileOf, putJson } from './stored-json';

export const PROPOSALS_FILE = 'proposals.json';

/** Joins a scope's chunks into one list in fixed order, and marks what the model's tokenizer finds too long to train on. */
export function collectProposals(services: Services): SealActivities['collectProposals'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async ({ signal }) => {
      const { store } = services;
      const key = manifestKeys.proposals(task.campaign.campaignId, task.scope);
      const known = await store.findManifest(key);
      if (known !== null) return { proposals: fileOf(key, known, PROPOSALS_FILE) };
      const data = await services.campaigns.read(task.campaign);
      const chunks = chunkCount(task, contextRefs(data, task.split).length);
      const lists = await Promise.all(Array.from({ length: chunks }, (_, i) => collectChunk(services, task, i + 1, data, signal)));
      const proposals = await putJson(store, lists.flat());
      const { manifest } = await store.publish(key, {
        kind: 'proposals',
        files: { [PROPOSALS_FILE]: proposals },
        lineage: {
          inputs: { contexts: data.input[task.split].sha256 },
          codeVersion: data.input.codeVersion,
          settings: { limits: data.input.spec.limits, chunks },
        },
      });
      return { proposals: fileOf(key, manifest, PROPOSALS_FILE) };
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
  const texts = await readChunk(services, task, chunk);
  const plain = chunkContexts(task, chunk, data).flatMap(({ id, context }, place) =>
    texts[place]!.texts.map((text, i) => {
      const parsed = services.domain.parseSelfEdit(text, context, input.spec);
      return { proposal: { contextId: id, candidate: i + 1, text }, rows: parsed.accepted ? parsed.rows : [] };
    }),
  );
  const allRows = plain.flatMap(({ rows }) => rows);
  const [limit, counts] = await services.gate.run(signal, computeLimitMs(input), async (inner) => [
    await rowTokenLimit(services.model, input, inner),
    await rowTokens(services.model, input.model.directory, allRows, inner),
  ]);
  let next = 0;
  return plain.map(({ proposal, rows }) => {
    const longest = counts.slice(next, (next += rows.length)).reduce((most, count) => Math.max(most, count), 0);
    if (longest <= limit) return proposal;
    return { ...proposal, tooLong: `a training row of ${longest} tokens, where ${limit} are allowed` };
  });
}

import { Context } from '@temporalio/activity';
import type { ArtifactRef } from '../campaign/artifacts';
import type { CampaignInput } from '../campaign/campaign';
import type { CampaignSpec } from '../campaign/campaign-spec';
import { BadInputError } from '../campaign/errors';
import type { ComputeOptions } from '../campaign/language-model';
import { campaignDocument, heldOutFile, inputFile, TEMPLATE_FILE, trainFile } from '../record/documents/campaign';
import { manifestKeys } from '../record/keys';
import { trainedBaselines } from '../seal/algorithm/stages';
import type { PinnedCampaign } from './activity-types';
import { PROPOSALS_ENDPOINT, proposalsEndpoint } from './answers/endpoint-proposals';
import { JUDGE, judgeSettings } from './answers/judge-answers';
import { rowTokenLimit } from './candidates/row-tokens';
import { asActivity } from './execution/running-activity';
import { computeLimits, type Services } from './services';
import { pinnedSha256 } from '../record/pinned-model';

/**
 * Proves that this worker sees the model that was pinned at start, and publishes the campaign's manifest. A campaign of the
 * same id and the same inputs goes on where it was left; other inputs under a used id are refused.
 *
 * @throws MachineUnableError: a model file is missing or differs, a key is not set; BadInputError: a passage is too long for the model, the id belongs
 * to another campaign
 */
export function pinInputs(services: Services): (input: CampaignInput) => Promise<PinnedCampaign> {
  return (input) =>
    asActivity(services.heartbeatIntervalMs, async ({ signal }) => {
      await services.models.verifyBase(input.model);
      openEndpoints(services, input.spec);
      const { campaignId } = input;
      // Timers may be tuned between runs; they shape no result.
      const { timings: _timings, ...pinned } = input;
      const ref = await inputFile.put(services.store, pinned);
      const run = Context.current().info.workflowExecution;
      if (run === undefined) throw new RangeError('inputs are pinned by a campaign\'s workflow only');
      const campaign = { campaignId, input: ref, runId: run.runId };
      await services.models.reading(input.model, () => checkRowLengths(services, campaign, { signal, stallMs: computeLimits(input).stallMs }));
      const template: Record<string, ArtifactRef> = input.template === undefined ? {} : { [TEMPLATE_FILE]: input.template };
      const published = await campaignDocument.publish(services.store, manifestKeys.campaign(campaignId), {
        files: { [inputFile.name]: ref, [trainFile.name]: input.train, [heldOutFile.name]: input.heldOut, ...template },
        lineage: {
          inputs: {
            spec: input.specSha256,
            train: input.train.sha256,
            heldOut: input.heldOut.sha256,
            base: pinnedSha256(input.model),
            ...(input.template === undefined ? {} : { template: input.template.sha256 }),
          },
          seed: input.spec.seed,
          codeVersion: input.codeVersion,
          settings: { name: input.spec.name, grader: input.spec.reward.grader, modelFiles: input.model.files },
        },
      });
      if (inputFile.refIn(published).sha256 !== ref.sha256) {
        throw new BadInputError({
          where: `campaign ${campaignId}`,
          expected: 'the file, model, data and code version that this id was first started with, or another id',
          got: 'other inputs',
        });
      }
      return campaign;
    });
}

/** A key that is missing would be missed much later. @throws MachineUnableError naming the variable */
function openEndpoints({ endpoints }: Services, spec: CampaignSpec): void {
  const { proposals, reward, evaluation } = spec;
  if (proposals.source === 'endpoint' || evaluation.baselines.includes('endpoint')) endpoints.open(PROPOSALS_ENDPOINT, proposalsEndpoint(spec));
  if (reward.grader === 'judge') endpoints.open(JUDGE, judgeSettings(spec));
}

/** What cannot be a training row would fail much later, after hours perhaps. */
async function checkRowLengths(services: Services, campaign: PinnedCampaign, options: ComputeOptions): Promise<void> {
  const { input, domain, contexts } = await services.campaigns.read(campaign);
  const limit = await rowTokenLimit(services.tokenizer, input, options);
  for (const split of ['train', 'heldOut'] as const) {
    const baselines = split === 'heldOut' ? trainedBaselines(input.spec) : [];
    const rows = contexts[split].flatMap(({ id, task }) => {
      const own = [...domain.contextRows(task, input.spec), ...baselines.flatMap((baseline) => domain.baselineRows(baseline, task, input.spec))];
      return own.map((row) => ({ id, row }));
    });
    const counts = await services.tokenizer.countTokens({ modelDirectory: input.model.directory, rows: rows.map(({ row }) => row) }, options);
    const place = counts.findIndex((count) => count > limit);
    if (place >= 0) {
      throw new BadInputError({
        where: `contexts.${split}: ${rows[place]?.id}`,
        expected: `at most ${limit} tokens (the model's context or limits.maxRowTokens)`,
        got: `${counts[place]}`,
      });
    }
  }
}

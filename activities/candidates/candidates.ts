/**
 * What a position of a scope stands for: its context, its training rows, its settings and seeds. Pure, so that every worker
 * and every attempt decides alike.
 */
import type { Context } from '../../contracts/campaign-spec';
import type { TrainingSection } from '../../contracts/campaign-spec';
import { BadInputError } from '../../contracts/errors';
import type { LoraSettings, OptimiserSettings, TrainingRow } from '../../contracts/language-model';
import { PROJECTIONS } from '../../contracts/language-model';
import type { Proposal } from '../../record/documents/self-edits';
import { placeOf } from '../../seal/algorithm/plan';
import type { Domain } from '../../seal/domain';
import { repeatSeed } from '../../seal/rest-em';
import type { AdaptationScope } from '../activity-types';
import { type CampaignData, contextAt } from '../stored/campaign-data';
import { seedScope } from './seed-scope';

export interface Candidate {
  readonly position: number;
  readonly contextId: string;
  /** From 1. */
  readonly candidate: number;
  readonly context: Context;
  /** Absent where rows do not come from a self-edit. */
  readonly selfEdit?: string;
  readonly training:
    | { readonly accepted: true; readonly rows: readonly TrainingRow[]; readonly optimiser: OptimiserSettings; readonly notes: readonly string[] }
    | { readonly accepted: false; readonly reason: string };
}

/** The candidate at a position. `proposals` is read only where the scope's rows come from them. */
export function candidateAt(
  scope: AdaptationScope,
  position: number,
  data: CampaignData,
  domain: Domain,
  proposals: readonly Proposal[],
): Candidate {
  const place = placeOf(position, scope.perContext);
  const { id, context } = contextAt(data, scope.split, place.context);
  const identity = { position, contextId: id, candidate: place.candidate, context };
  const { innerLoop } = data.input.spec;
  if (scope.rows.kind === 'proposals') {
    const proposal = proposals[position];
    if (proposal === undefined || proposal.contextId !== id || proposal.candidate !== identity.candidate) {
      throw new RangeError(`${scope.scope}: the proposals hold no candidate ${id}/c${identity.candidate} at ${position}`);
    }
    return { ...identity, selfEdit: proposal.text, training: judge(proposal, context, data, domain) };
  }
  const optimiser = optimiserOf(innerLoop, scope.rows.kind === 'passage' ? (scope.rows.maxSteps ?? innerLoop.maxSteps) : innerLoop.maxSteps);
  const rows = scope.rows.kind === 'passage' ? domain.passageRows(context, innerLoop) : domain.oracleRows(context, innerLoop);
  if (rows.length === 0) {
    throw new BadInputError({ where: `context ${id}: oracle`, expected: 'training lines, for the oracle baseline', got: 'none' });
  }
  return { ...identity, training: { accepted: true, rows, optimiser, notes: [] } };
}

/** Rows and settings of a self-edit, or why it is rejected. */
function judge(proposal: Proposal, context: Context, data: CampaignData, domain: Domain): Candidate['training'] {
  const { innerLoop } = data.input.spec;
  const parsed = domain.parseSelfEdit(proposal, context, data.input.spec);
  if (!parsed.accepted) return parsed;
  if (proposal.tooLong !== undefined) return { accepted: false, reason: proposal.tooLong };
  const { learningRate, trainEpochs } = parsed.directives;
  const asked = {
    ...innerLoop,
    ...(learningRate === undefined ? {} : { learningRate }),
    ...(trainEpochs === undefined ? {} : { trainEpochs }),
  };
  return { accepted: true, rows: parsed.rows, optimiser: optimiserOf(asked, innerLoop.maxSteps), notes: parsed.notes };
}

export function optimiserOf(section: TrainingSection, maxSteps?: number): OptimiserSettings {
  const { trainEpochs, learningRate, batch, accumulation, schedule, warmupSteps, clipNorm, weightDecay } = section;
  return {
    trainEpochs,
    learningRate,
    batch,
    ...(accumulation > 1 && { accumulation }),
    schedule,
    warmupSteps,
    shuffle: true,
    clipNorm,
    weightDecay,
    ...(maxSteps === undefined ? {} : { maxSteps }),
  };
}

export function loraOf({ rank, alpha, targets, rsLora, rankPattern, alphaPattern, dropout }: TrainingSection): LoraSettings {
  return {
    rank,
    alpha,
    targets: targets === 'all-linear' ? PROJECTIONS : targets,
    ...(rsLora && { rsLora }),
    ...(rankPattern !== undefined && { rankPattern }),
    ...(alphaPattern !== undefined && { alphaPattern }),
    ...(dropout > 0 && { dropout }),
  };
}

/** Seed of a candidate's fine-tune: its fresh adapter and row order. */
export function fineTuneSeed(scope: AdaptationScope, candidate: Candidate, repeat: number, campaignSeed: number): number {
  return repeatSeed(campaignSeed, seedScope(scope), candidate.contextId, candidate.candidate, repeat);
}

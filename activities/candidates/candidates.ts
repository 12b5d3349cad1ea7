/**
 * What a position of a scope stands for: its context, its training rows, its settings and seeds. Pure, so that every worker
 * and every attempt decides alike.
 */
import type { TrainingSection } from '../../campaign/campaign-spec';
import { BadInputError } from '../../campaign/errors';
import { type LoraSettings, type OptimiserSettings, PROJECTIONS, type TrainingRow } from '../../campaign/language-model';
import type { Proposal } from '../../record/documents/self-edits';
import { placeOf } from '../../seal/algorithm/plan';
import type { Context } from '../../seal/domains/domain';
import { repeatSeed } from '../../seal/algorithm/seeds';
import type { AdaptationScope } from '../activity-types';
import type { CampaignData } from '../../record/documents/campaign';
import { contextAt } from '../stored/campaign-data';
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

/** Where a scope's rows come from: self-edits, or what the domain has, for so many optimiser steps. @default `steps`: as the campaign file says */
export type ScopeRows = { readonly proposals: readonly Proposal[] } | { readonly baseline: string; readonly steps?: number };

export function candidateAt(scope: AdaptationScope, position: number, data: CampaignData, from: ScopeRows): Candidate {
  const place = placeOf(position, scope.perContext);
  const context = contextAt(data, scope.split, place.context);
  const identity = { position, contextId: context.id, candidate: place.candidate, context };
  if ('baseline' in from) return { ...identity, training: baselineTraining(context, data, from) };
  const proposal = from.proposals[position];
  if (proposal === undefined || proposal.contextId !== context.id || proposal.candidate !== identity.candidate) {
    throw new RangeError(`${scope.scope}: the proposals hold no candidate ${context.id}/c${identity.candidate} at ${position}`);
  }
  return { ...identity, selfEdit: proposal.text, training: selfEditTraining(proposal, data) };
}

function baselineTraining({ id, task }: Context, { domain, input }: CampaignData, { baseline, steps }: Extract<ScopeRows, { baseline: string }>): Candidate['training'] {
  const { innerLoop } = input.spec;
  const rows = domain.baselineRows(baseline, task, input.spec);
  if (rows.length === 0) {
    throw new BadInputError({ where: `context ${id}`, expected: `something to train on, for the ${baseline} baseline`, got: 'nothing' });
  }
  return { accepted: true, rows, optimiser: optimiserOf(innerLoop, steps ?? innerLoop.maxSteps), notes: [] };
}

/** Rows and settings of a self-edit, or why it is rejected. */
function selfEditTraining({ parsed }: Proposal, { input }: CampaignData): Candidate['training'] {
  if (!parsed.accepted) return parsed;
  const { innerLoop } = input.spec;
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

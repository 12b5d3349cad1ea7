/**
 * What a campaign does, one stage after the other. The list follows from the campaign file alone, so that how many of its stages are
 * finished says all about where a campaign is.
 * Source: paper, "RL Optimization" (epochs) and "Knowledge Incorporation", results (what is evaluated beside SEAL).
 */
import type { CampaignSpec } from '../../campaign/campaign-spec';
import { mean } from '../statistics/statistics';
import { STEP_MATCHED } from '../../campaign/methods';

export type Stage =
  /** A method on the held-out contexts, with the policy of this epoch; 0: the base. */
  | { readonly kind: 'evaluate'; readonly method: string; readonly epoch: number; readonly rows: MethodRows }
  | { readonly kind: 'epoch'; readonly epoch: number };

/** What a method trains on before it is asked. */
export type MethodRows =
  | { readonly kind: 'unadapted' }
  /** The policy's own self-edits, or recorded ones, as the campaign file says; or those of its endpoint. */
  | { readonly kind: 'self-edits'; readonly source?: 'endpoint' }
  /** What the domain has under this name. `stepsOf`: for as many optimiser steps as another method took on average. */
  | { readonly kind: 'baseline'; readonly name: string; readonly stepsOf?: string };

const SELF_EDITS = 'self-edits';

/** Baselines first: what is to be improved on, and what a fair comparison needs. Each epoch's policy is evaluated before the next. */
export function stagesOf({ epochs, evaluation }: Pick<CampaignSpec, 'epochs' | 'evaluation'>): Stage[] {
  return [
    ...inOrder(evaluation.baselines).map((method): Stage => ({ kind: 'evaluate', method, epoch: 0, rows: rowsOf(method) })),
    ...Array.from({ length: epochs }, (_, i): Stage[] => [
      { kind: 'epoch', epoch: i + 1 },
      { kind: 'evaluate', method: sealMethod(i + 1), epoch: i + 1, rows: { kind: SELF_EDITS } },
    ]).flat(),
  ];
}

/** Names of the domain's baselines that a campaign trains on. */
export function trainedBaselines(spec: Pick<CampaignSpec, 'epochs' | 'evaluation'>): string[] {
  return [...new Set(stagesOf(spec).flatMap((stage) => (stage.kind === 'evaluate' && stage.rows.kind === 'baseline' ? [stage.rows.name] : [])))];
}

/** How many stages are finished once an epoch is, and its policy is not evaluated yet. */
export function stagesUntil(stages: readonly Stage[], epoch: number): number {
  return stages.findIndex((stage) => stage.kind === 'epoch' && stage.epoch === epoch) + 1;
}

/** The name in the report of the method that is an epoch's policy. */
export function sealMethod(epoch: number): string {
  return `seal-epoch-${epoch}`;
}

/** The epoch whose policy a method is; null of a baseline. */
export function epochOfMethod(method: string): number | null {
  const epoch = /^seal-epoch-(\d+)$/.exec(method)?.[1];
  return epoch === undefined ? null : Number(epoch);
}

/** As the file names them, but that a step-matched method comes after the self-edits that it is matched to, and brings them along. */
function inOrder(asked: readonly string[]): string[] {
  const matched = asked.filter((name) => name.endsWith(STEP_MATCHED));
  const others = asked.filter((name) => !name.endsWith(STEP_MATCHED));
  return [...new Set([...others, ...(matched.length > 0 ? [SELF_EDITS] : []), ...matched])];
}

function rowsOf(method: string): MethodRows {
  if (method === 'base') return { kind: 'unadapted' };
  if (method === SELF_EDITS) return { kind: SELF_EDITS };
  if (method === 'endpoint') return { kind: SELF_EDITS, source: 'endpoint' };
  if (!method.endsWith(STEP_MATCHED)) return { kind: 'baseline', name: method };
  return { kind: 'baseline', name: method.slice(0, -STEP_MATCHED.length), stepsOf: SELF_EDITS };
}

/**
 * Steps of the `passage-only-step-matched` baseline: the rounded mean of what the self-edits took, at least 1.
 * Departure: the paper's passage-only arm trains one row where a self-edit has about nine, so part of its distance is
 * the number of steps; this baseline takes that part out.
 */
export function stepMatchedBudget(selfEditSteps: readonly number[]): number {
  return Math.max(1, Math.round(mean(selfEditSteps)));
}

/**
 * What is evaluated before any RL, and on which rows each baseline adapts.
 * Source: paper, "Knowledge Incorporation", results; the step-matched one is ours.
 */
import { ApplicationFailure } from '@temporalio/workflow';
import type { CampaignInput, MethodScore } from '../../contracts/campaign';
import { stepMatchedBudget } from '../../seal/rest-em';
import type { EvaluatedRows } from '../evaluation';

export type Baseline = CampaignInput['spec']['evaluation']['baselines'][number];

/** In an order that lets the step-matched one know what it is matched to; it brings the self-edits along. */
export function baselinesOf({ spec }: CampaignInput): Baseline[] {
  const asked = new Set<Baseline>(spec.evaluation.baselines);
  if (asked.has('passage-only-step-matched')) asked.add('self-edits');
  const order: Baseline[] = ['base', 'passage-only', 'self-edits', 'passage-only-step-matched', 'oracle', 'endpoint'];
  return order.filter((name) => asked.has(name));
}

/** @param evaluated the methods before this one */
export function rowsOf(baseline: Baseline, evaluated: readonly MethodScore[]): EvaluatedRows {
  switch (baseline) {
    case 'base':
      return { kind: 'unadapted' };
    case 'passage-only':
      return { kind: 'passage' };
    case 'passage-only-step-matched': {
      const selfEdits = evaluated.find(({ name }) => name === 'self-edits');
      if (selfEdits === undefined) throw ApplicationFailure.nonRetryable('self-edits were not evaluated before their step-matched baseline');
      return { kind: 'passage', maxSteps: stepMatchedBudget([selfEdits.meanSteps]) };
    }
    case 'oracle':
      return { kind: 'oracle' };
    case 'self-edits':
      return { kind: 'self-edits' };
    case 'endpoint':
      return { kind: 'self-edits', source: 'endpoint' };
  }
}


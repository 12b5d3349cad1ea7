import type { Schedule } from '../../../contracts/language-model';

/**
 * Learning rate of optimiser step `step` of `steps`, from 0: warm-up of w steps by (i+1)/w, then linear or cosine to 0 counted over
 * all steps.
 *
 * Source: the semantics of `finetune` in docs/algorithm.md; paper, knowledge incorporation (linear) and few-shot learning (cosine).
 */
export function learningRateAt(
  step: number,
  steps: number,
  { learningRate, schedule, warmupSteps }: { readonly learningRate: number; readonly schedule: Schedule; readonly warmupSteps: number },
): number {
  if (step < warmupSteps) return (learningRate * (step + 1)) / warmupSteps;
  switch (schedule) {
    case 'linear':
      return learningRate * (1 - step / steps);
    case 'cosine':
      return (learningRate / 2) * (1 + Math.cos((Math.PI * step) / steps));
    case 'constant':
      return learningRate;
  }
}

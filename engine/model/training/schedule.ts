import type { Schedule } from '../../../campaign/language-model';

/**
 * Learning rate of optimiser step `step` of `steps`, from 0: warm-up of w steps by i/w, from a rate of 0, then linear or cosine to 0 over the
 * steps that are left, as transformers has it. A warm-up as long as the training, or longer, never gets to the peak.
 *
 * Source: the semantics of `finetune` in docs/algorithm.md; paper, knowledge incorporation (linear) and few-shot learning (cosine).
 */
export function learningRateAt(
  step: number,
  steps: number,
  { learningRate, schedule, warmupSteps }: { readonly learningRate: number; readonly schedule: Schedule; readonly warmupSteps: number },
): number {
  if (step < warmupSteps) return learningRate * (step / warmupSteps);
  const done = (step - warmupSteps) / (steps - warmupSteps);
  switch (schedule) {
    case 'linear':
      return learningRate * (1 - done);
    case 'cosine':
      return (learningRate / 2) * (1 + Math.cos(Math.PI * done));
    case 'constant':
      return learningRate;
  }
}

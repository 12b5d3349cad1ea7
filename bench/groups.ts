import type { BenchRun } from './bench-run';
import { benchDecode } from './decode';
import { benchFanOut, benchLimits } from './fan-out';
import { benchProviders } from './gpu';
import { benchLargeSteps, benchSmallSteps } from './lora-step';
import { benchNanoSelfEdit, benchStackedCandidates } from './nano-self-edit';

/** The groups of rows, in the order in which they are measured. `false`: something that was asked for did not hold. */
export const GROUPS = {
  step: benchSmallSteps,
  nano: benchNanoSelfEdit,
  stacked: benchStackedCandidates,
  decode: benchDecode,
  large: benchLargeSteps,
  gpu: benchProviders,
  'fan-out': benchFanOut,
  limits: benchLimits,
} as const satisfies Readonly<Record<string, (run: BenchRun) => Promise<boolean | void>>>;

export type GroupName = keyof typeof GROUPS;

/** What is measured where no group is named: all that has a peer and needs no device. */
export const DEFAULT_GROUPS: readonly GroupName[] = ['step', 'nano', 'stacked', 'decode', 'large'];

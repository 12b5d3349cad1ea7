import type { BenchRun } from './bench-run';
import { benchDecode } from './decode';
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
} as const satisfies Readonly<Record<string, (run: BenchRun) => Promise<boolean | void>>>;

export type GroupName = keyof typeof GROUPS;

/** What is measured where no group is named: all that needs no device. */
export const DEFAULT_GROUPS: readonly GroupName[] = ['step', 'nano', 'stacked', 'decode', 'large'];

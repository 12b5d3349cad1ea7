export const WORK_KINDS = ['propose', 'unadapted', 'fine-tune', 'evaluate', 'm-step'] as const;
/** What a worker's language model computes: `unadapted` are the questions to a policy without an adapter. */
export type WorkKind = (typeof WORK_KINDS)[number];

/** What a computation is for. */
export interface Work {
  readonly kind: WorkKind;
  /** `epoch-1` or `evaluation/<method>`. */
  readonly scope: string;
  /** Positions from..to-1 of the scope: candidates; of `unadapted`, contexts; of `m-step`, rows. */
  readonly from: number;
  readonly to: number;
  /** From 1; 0 where nothing is repeated. */
  readonly repeat: number;
  /** Computed in so many parts, for want of memory. @default 1 */
  readonly memoryParts?: number;
}

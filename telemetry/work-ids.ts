/** What a line of the log, a span or a compute request belongs to. */
export interface WorkIds {
  readonly campaignId?: string;
  readonly workflowId?: string;
  readonly runId?: string;
  readonly activity?: string;
  /** From 1. */
  readonly attempt?: number;
  /** From 1. */
  readonly epoch?: number;
  readonly contextId?: string;
  /** From 1. */
  readonly candidate?: number;
  /** Of an evaluation. */
  readonly method?: string;
}

/** What a workflow's id says: `workflowIds` in campaign/campaign.ts, read backwards. */
export function idsOfWorkflow(workflowId: string): WorkIds {
  const [campaignId, scope, contextId, candidate] = workflowId.split('/');
  if (campaignId === undefined || campaignId === '') return { workflowId };
  const epoch = numberAfter('epoch-', scope);
  const number = numberAfter('c', candidate);
  return {
    campaignId,
    workflowId,
    ...(epoch === null ? {} : { epoch }),
    ...(scope === 'evaluation' && contextId !== undefined ? { method: contextId } : {}),
    ...(epoch !== null && contextId !== undefined && number !== null ? { contextId, candidate: number } : {}),
  };
}

function numberAfter(prefix: string, part: string | undefined): number | null {
  if (part?.startsWith(prefix) !== true) return null;
  const digits = part.slice(prefix.length);
  return /^\d+$/.test(digits) ? Number(digits) : null;
}

import { Context } from '@temporalio/activity';
import { DEFAULT_PRIORITY } from '../../contracts/priority';
import type { Turn } from '../../endpoint/fair-line';

/**
 * The turn of the activity that is running: its campaign's priority and its campaign, which the server passes down from the
 * campaign's workflow. Work that several activities share has the turn of the one that began it.
 */
export function turnOfActivity(): Turn {
  const { priority, workflowExecution } = Context.current().info;
  return {
    // 0 and an empty key are how the server writes that nothing was said.
    priority: priority?.priorityKey || DEFAULT_PRIORITY,
    share: priority?.fairnessKey || campaignOf(workflowExecution?.workflowId ?? ''),
  };
}

/** Campaigns that were started without a fairness key share by their id as well: every workflow id begins with it. */
function campaignOf(workflowId: string): string {
  return workflowId.split('/')[0]!;
}

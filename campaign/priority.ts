/** Priorities go from 1, computed before all others, to this. */
export const LAST_PRIORITY = 5;
/** What the server takes for a workflow that says nothing. */
export const DEFAULT_PRIORITY = 3;

/**
 * What a campaign's workflow is started with; its children and activities inherit it. Among campaigns of one priority each has
 * the same share, however much it has waiting: they are told apart by their id, which has at most the 64 bytes of a fairness key.
 *
 * @param priority from 1 to LAST_PRIORITY
 */
export function taskPriority(campaignId: string, priority: number): { readonly priorityKey: number; readonly fairnessKey: string } {
  return { priorityKey: priority, fairnessKey: campaignId };
}

import { z } from 'zod';
import { DocumentType } from '../document-type';
import { list, whole } from '../json-file';
import { manifestKeys } from '../keys';

export const HISTORY_MEDIA_TYPE = 'application/vnd.temporal.history';

/** A page's files are histories, named by `historyFileName`. */
export const historiesDocument = new DocumentType(
  'histories',
  [manifestKeys.historyPage],
  [],
  z.strictObject({
    archived: whole,
    /** Workflow ids that the server no longer knows: their retention has passed. */
    gone: list(z.string()),
    /** Workflow ids that had not ended, against what their parent was told; a later page or an export has them. */
    open: list(z.string()),
  }),
);

/** Name of a run's history within a page: no workflow id of a campaign holds `~`. */
export function historyFileName(workflowId: string, runId: string): string {
  return `${workflowId.replaceAll('/', '~')}.${runId}.history`;
}

/** Workflow id and run of a page's file. @returns null for a name of another form */
export function parseHistoryFileName(name: string): { readonly workflowId: string; readonly runId: string } | null {
  const [, id, runId] = /^([^/\\]+)\.([0-9a-f-]{36})\.history$/.exec(name) ?? [];
  return id === undefined || runId === undefined ? null : { workflowId: id.replaceAll('~', '/'), runId };
}

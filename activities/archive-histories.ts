import type { ArtifactRef, Manifest } from '../contracts/artifacts';
import { manifestKeys } from '../record/keys';
import { canonicalJson } from '../storage/canonical-json';
import { hashBytes } from '../storage/content-hash';
import type { ArchiveTask, SealActivities } from './activity-types';
import { asActivity } from './execution/running-activity';
import type { Services } from './services';
import { readAll } from './stored/bounded-reads';
import { forEachRun, type HistoryReader } from './stored/history-reader';
import { sealRecord } from './stored/seal-record';

export const HISTORIES_KIND = 'histories';
export const HISTORY_MEDIA_TYPE = 'application/vnd.temporal.history';

/** Scopes of what is archived once the campaign has ended: its record is sealed again, with these pages. */
const ENDED_SCOPE = 'ended/';

/** Histories in memory at once: one may have 50 MB. */
const FETCHED_AT_ONCE = 4;

/** What a page of histories says in short. */
export interface HistoryPageSummary {
  readonly archived: number;
  /** Workflow ids that the server no longer knows: their retention has passed. */
  readonly gone: readonly string[];
  /** Workflow ids that had not ended, against what their parent was told; a later page or an export has them. */
  readonly open: readonly string[];
}

/** Name of a run's history within a page: no workflow id of a campaign holds `~`. */
export function historyFileName(workflowId: string, runId: string): string {
  return `${workflowId.replaceAll('/', '~')}.${runId}.history`;
}

/** Workflow id and run of a page's file. @returns null for a name of another form */
export function parseHistoryFileName(name: string): { readonly workflowId: string; readonly runId: string } | null {
  const [, id, runId] = /^([^/\\]+)\.([0-9a-f-]{36})\.history$/.exec(name) ?? [];
  return id === undefined || runId === undefined ? null : { workflowId: id.replaceAll('~', '/'), runId };
}

/**
 * Stores the histories of closed workflows as artifacts, before the server's retention takes them, and publishes a page that
 * names them. A page that is there already is left as it is; one of another run of the campaign, or of other workflows, does not
 * stand in the way.
 */
export function archiveHistories(services: Services, histories: HistoryReader | undefined): SealActivities['archiveHistories'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async ({ signal }) => {
      if (histories === undefined) throw new RangeError('this worker was given nothing to read histories from');
      const { store, campaigns } = services;
      const asked = hashBytes(Buffer.from(canonicalJson({ run: task.campaign.runId, workflows: task.workflows }))).sha256;
      const first = manifestKeys.historyPage(task.campaign.campaignId, task.scope, task.page);
      const own = manifestKeys.historyPage(task.campaign.campaignId, task.scope, task.page, asked);
      const { input } = await campaigns.read(task.campaign);
      const done = async (page: Manifest): Promise<{ archived: number }> => {
        if (task.scope.startsWith(ENDED_SCOPE)) await sealRecord(store, task.campaign, input.codeVersion);
        return { archived: summaryOf(page).archived };
      };
      for (const key of [first, own]) {
        const known = await store.findManifest(key);
        if (known !== null && askedOf(known) === asked) return done(known);
      }
      const { files, summary } = await archive(services, histories, task, signal);
      const manifest: Manifest = {
        kind: HISTORIES_KIND,
        files,
        lineage: {
          inputs: { campaign: task.campaign.input.sha256 },
          codeVersion: input.codeVersion,
          settings: { scope: task.scope, page: task.page, asked },
        },
        summary: { ...summary },
      };
      const published = await store.publish(first, manifest);
      const page = askedOf(published.manifest) === asked ? published : await store.publish(own, manifest);
      return done(page.manifest);
    });
}

async function archive(
  { store }: Services,
  histories: HistoryReader,
  { workflows }: ArchiveTask,
  signal: AbortSignal,
): Promise<{ readonly files: Record<string, ArtifactRef>; readonly summary: HistoryPageSummary }> {
  const files: Record<string, ArtifactRef> = {};
  const gone: string[] = [];
  const open: string[] = [];
  await readAll(
    workflows,
    async (workflow) => {
      signal.throwIfAborted();
      const { workflowId } = workflow;
      const outcome = await forEachRun(histories, workflow, async ({ runId, bytes, closed }) => {
        if (closed) files[historyFileName(workflowId, runId)] = await store.put(bytes, HISTORY_MEDIA_TYPE);
        else open.push(workflowId);
      });
      if (outcome === 'gone') gone.push(workflowId);
    },
    FETCHED_AT_ONCE,
  );
  return { files, summary: { archived: Object.keys(files).length, gone: gone.sort(), open: open.sort() } };
}

function askedOf({ lineage }: Manifest): unknown {
  return lineage.settings['asked'];
}

function summaryOf({ summary }: Manifest): HistoryPageSummary {
  return summary as unknown as HistoryPageSummary;
}

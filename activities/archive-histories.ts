import type { ArtifactRef } from '../campaign/artifacts';
import { readAll } from '../record/bounded-reads';
import { publishDigest } from '../record/documents/digest';
import { historiesDocument, HISTORY_MEDIA_TYPE, historyFileName } from '../record/documents/histories';
import { manifestKeys } from '../record/keys';
import { canonicalJson } from '../storage/canonical-json';
import { hashBytes } from '../storage/content-hash';
import type { ArchiveTask, SealActivities } from './activity-types';
import { asActivity } from './execution/running-activity';
import type { Services } from './services';
import { forEachRun, type HistoryReader } from './stored/history-reader';

/** Scopes of what is archived once the campaign has ended: its record gets another digest, with these pages. */
const ENDED_SCOPE = 'ended/';

/** Histories in memory at once: one may have 50 MB. */
const FETCHED_AT_ONCE = 4;

type HistoryPage = Awaited<ReturnType<typeof historiesDocument.read>>;

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
      const inputs = { campaign: task.campaign.input.sha256 };
      const done = async ({ summary: { archived } }: HistoryPage): Promise<{ archived: number }> => {
        if (task.scope.startsWith(ENDED_SCOPE)) await publishDigest(store, task.campaign.campaignId, { inputs, codeVersion: input.codeVersion });
        return { archived };
      };
      for (const key of [first, own]) {
        const known = await historiesDocument.find(store, key);
        if (known !== null && askedOf(known) === asked) return done(known);
      }
      const { files, summary } = await archive(services, histories, task, signal);
      const content = { files, lineage: { inputs, codeVersion: input.codeVersion, settings: { scope: task.scope, page: task.page, asked } }, summary };
      const published = await historiesDocument.publish(store, first, content);
      return done(askedOf(published) === asked ? published : await historiesDocument.publish(store, own, content));
    });
}

async function archive(
  { store }: Services,
  histories: HistoryReader,
  { workflows }: ArchiveTask,
  signal: AbortSignal,
): Promise<{ readonly files: Record<string, ArtifactRef>; readonly summary: HistoryPage['summary'] }> {
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

function askedOf({ manifest }: HistoryPage): unknown {
  return manifest.lineage.settings['asked'];
}

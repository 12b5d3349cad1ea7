import { appendFile, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../campaign/artifacts';
import { ArtifactCorruptError, ArtifactMissingError, BadInputError } from '../campaign/errors';
import { readAll } from '../record/bounded-reads';
import { digestDocument } from '../record/documents/digest';
import { HISTORY_MEDIA_TYPE, historyFileName } from '../record/documents/histories';
import { artifactKey, type ArtifactStore } from '../storage/artifact-store';
import { hashBytes, hashFile } from '../storage/content-hash';
import { DirectoryObjectClient } from '../storage/directory-client';
import type { HistoryProgress } from './check-histories';
import { CampaignRecord } from './campaign-record';
import { type ExportAbout, ExportedHistories, exportPaths, type IndexEntry, readAbout, readIndex } from './export-layout';
import { Findings } from './findings';
import type { WorkflowRun } from './history-events';
import { ArchivedHistories, type FoundHistory, HistoryChangedError, type HistorySource, runKey } from './history-source';
import { type WalkedHistory, walkHistories } from './walk-histories';

export interface ExportResult {
  readonly campaignId: string;
  readonly out: string;
  readonly manifests: number;
  readonly artifacts: number;
  readonly histories: number;
  /** What could not be exported as it was recorded: damaged, missing; one line each. */
  readonly problems: readonly string[];
}

export interface ExportedCampaign {
  readonly campaignId: string;
  readonly store: ArtifactStore;
  readonly server: HistorySource;
  readonly directory: string;
  readonly withArtifacts: boolean;
  readonly progress?: HistoryProgress;
}

/** Copied at once. */
const COPIES = 8;

/**
 * Writes a campaign's record and every history of its tree to a directory. Run again it goes on where it was, and adds what the
 * campaign has done since.
 *
 * @throws BadInputError for a directory that holds something else, or a campaign that has no record
 */
export async function exportCampaign({ campaignId, store, server, directory, withArtifacts, progress }: ExportedCampaign): Promise<ExportResult> {
  const findings = new Findings();
  const record = await CampaignRecord.read(store, campaignId, true, findings);
  const about = await claimDirectory(directory, { format: 'seal-export', version: 1, campaignId, artifacts: withArtifacts });
  const objects = new DirectoryObjectClient(exportPaths.objects(directory));
  const copyManifests = (keys: readonly string[]): Promise<unknown> => readAll(keys, (key) => copyManifest(store, objects, key), COPIES);
  const copied = new Set<string>();
  const problems: string[] = [];
  const copyArtifacts = async (): Promise<void> => {
    const refs = artifactsOf(record, withArtifacts).filter(({ sha256 }) => !copied.has(sha256));
    for (const { sha256 } of refs) copied.add(sha256);
    problems.push(...(await readAll(refs, (ref) => copyArtifact(store, directory, ref), COPIES)).flat());
  };
  await copyManifests([...record.hashes.keys()]);
  await copyArtifacts();
  const histories = await copyHistories(record, server, directory, findings, progress);
  // Histories of a campaign that runs name what has been published since.
  await copyManifests(await record.catchUp());
  await copyArtifacts();
  await writeAbout(directory, about);
  for (const { kind, what, expected, got } of findings.breaks) problems.push(`${kind}: ${what}: expected ${expected}, got ${got}`);
  return { campaignId, out: directory, manifests: record.hashes.size, artifacts: copied.size, histories, problems };
}

/** An empty directory becomes this export's; one that is this campaign's export already stays so. @returns what it says once it is whole */
async function claimDirectory(directory: string, about: ExportAbout): Promise<ExportAbout> {
  await mkdir(directory, { recursive: true });
  const names = await readdir(directory);
  if (names.length > 0) {
    if (!names.includes('export.json')) throw new BadInputError({ where: `--out ${directory}`, expected: 'a new or empty directory, or an earlier export of this campaign', got: 'one with other files' });
    const before = await readAbout('--out', directory);
    if (before.campaignId !== about.campaignId) {
      throw new BadInputError({ where: `--out ${directory}`, expected: `a new or empty directory, or an earlier export of ${about.campaignId}`, got: `an export of ${before.campaignId}` });
    }
    // What is there stays there.
    about = { ...about, artifacts: about.artifacts || before.artifacts };
  }
  await mkdir(exportPaths.histories(directory), { recursive: true });
  await mkdir(exportPaths.objects(directory), { recursive: true });
  await writeAbout(directory, { ...about, unfinished: true });
  return about;
}

function writeAbout(directory: string, about: ExportAbout): Promise<void> {
  return replaceFile(exportPaths.about(directory), `${JSON.stringify(about, null, 2)}\n`);
}

async function copyManifest(store: ArtifactStore, objects: DirectoryObjectClient, key: string): Promise<void> {
  const bytes = await store.readBytes(key);
  if (bytes === null) return;
  await objects.write(key, bytes, { ...hashBytes(bytes), mediaType: 'application/json', ifAbsent: false });
}

/** All of them, or those alone of the digests. Histories have files of their own. */
function artifactsOf(record: CampaignRecord, withArtifacts: boolean): ArtifactRef[] {
  const refs = [...record.manifests.values()].flatMap(({ manifest }) => (withArtifacts || manifest.kind === digestDocument.kind ? Object.values(manifest.files) : []));
  return [...new Map(refs.filter(({ mediaType }) => mediaType !== HISTORY_MEDIA_TYPE).map((ref) => [ref.sha256, ref])).values()];
}

async function copyArtifact(store: ArtifactStore, directory: string, ref: ArtifactRef): Promise<string[]> {
  const file = join(exportPaths.objects(directory), artifactKey(ref));
  const there = await hashFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return null;
  });
  if (there?.sha256 === ref.sha256) return [];
  try {
    await store.getFile(ref, file);
    return [];
  } catch (error) {
    if (!(error instanceof ArtifactMissingError || error instanceof ArtifactCorruptError)) throw error;
    return [error.message];
  }
}

async function copyHistories(record: CampaignRecord, server: HistorySource, directory: string, findings: Findings, progress: HistoryProgress | undefined): Promise<number> {
  const { campaignId } = record;
  const index = await readIndex(directory, campaignId, true);
  const archive = new ArchivedHistories(record);
  const exported = new ExportedHistories(directory, index, (run) => archive.sha256Of(run));
  const source = new ResumedHistories(index, exported, archive, server);
  // Begins with whole lines: the last one may have been cut off.
  await writeIndex(directory, index);
  let walkedSoFar = 0;
  for await (const walked of walkHistories(campaignId, source, findings)) {
    progress?.((walkedSoFar += 1), walked.known);
    const entry = entryOf(walked, archive);
    if (walked.where.startsWith('histories/') && sameEntry(index.get(runKey(walked)), entry)) continue;
    await replaceFile(join(exportPaths.histories(directory), historyFileName(walked.workflowId, walked.runId)), walked.bytes);
    await appendFile(exportPaths.index(directory), `${JSON.stringify(entry)}\n`);
    index.set(runKey(walked), entry);
  }
  await writeIndex(directory, index);
  return index.size;
}

/** What was exported before and has ended is not fetched again. */
class ResumedHistories implements HistorySource {
  readonly #index: ReadonlyMap<string, IndexEntry>;
  readonly #exported: ExportedHistories;
  readonly #others: readonly HistorySource[];

  constructor(index: ReadonlyMap<string, IndexEntry>, exported: ExportedHistories, ...others: readonly HistorySource[]) {
    this.#index = index;
    this.#exported = exported;
    this.#others = others;
  }

  async known(): Promise<readonly WorkflowRun[]> {
    return (await Promise.all([this.#exported, ...this.#others].map((source) => source.known()))).flat();
  }

  async find(run: WorkflowRun): Promise<FoundHistory | null> {
    const before = this.#index.get(runKey(run));
    const exported = before === undefined ? null : await this.#whole(run);
    if (exported !== null && before?.status !== 'running') return exported;
    for (const source of this.#others) {
      const found = await source.find(run);
      if (found !== null) return found;
    }
    return exported;
  }

  /** Null for a file that was damaged since: it is written again. */
  async #whole(run: WorkflowRun): Promise<FoundHistory | null> {
    try {
      return await this.#exported.find(run);
    } catch (error) {
      if (!(error instanceof HistoryChangedError)) throw error;
      return null;
    }
  }

  wasGone(workflowId: string): boolean {
    return this.#others.some((source) => source.wasGone(workflowId));
  }
}

function entryOf({ workflowId, runId, bytes, facts }: WalkedHistory, archive: ArchivedHistories): IndexEntry {
  const { type, status } = facts;
  return { workflowId, runId, type, status, ...hashBytes(bytes), from: archive.sha256Of({ workflowId, runId }) === null ? 'server' : 'archive' };
}

function sameEntry(before: IndexEntry | undefined, now: IndexEntry): boolean {
  return before !== undefined && before.sha256 === now.sha256 && before.from === now.from;
}

async function writeIndex(directory: string, index: ReadonlyMap<string, IndexEntry>): Promise<void> {
  const lines = [...index].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => `${JSON.stringify(entry)}\n`);
  await replaceFile(exportPaths.index(directory), lines.join(''));
}

/** Whole or not at all. */
async function replaceFile(file: string, content: string | Uint8Array): Promise<void> {
  const partial = `${file}.partial`;
  try {
    await writeFile(partial, content);
    await rename(partial, file);
  } finally {
    await rm(partial, { force: true });
  }
}

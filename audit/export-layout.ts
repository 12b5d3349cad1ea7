/**
 * An exported campaign as a directory:
 * `export.json` (what this is), `objects/` (manifests, and artifacts where asked for, by their keys), `histories/` with one file a
 * run and `index.jsonl`, one line a file.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { parseBySchema, placeIn } from '../campaign/bad-field';
import { BadInputError } from '../campaign/errors';
import { historyFileName } from '../record/documents/histories';
import { hashBytes } from '../storage/content-hash';
import type { WorkflowRun } from './history-events';
import { type FoundHistory, HistoryChangedError, type HistorySource, runKey } from './history-source';

export const exportPaths = {
  about: (directory: string): string => join(directory, 'export.json'),
  objects: (directory: string): string => join(directory, 'objects'),
  histories: (directory: string): string => join(directory, 'histories'),
  index: (directory: string): string => join(directory, 'histories', 'index.jsonl'),
};

const aboutSchema = z.strictObject({
  format: z.literal('seal-export'),
  version: z.literal(1),
  campaignId: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/),
  /** Whether artifacts were asked for. */
  artifacts: z.boolean(),
  /** While it is written; what was killed keeps it. */
  unfinished: z.literal(true).optional(),
});
export type ExportAbout = z.infer<typeof aboutSchema>;

const SEGMENT = '[^/\\\\\\u0000-\\u001f]+';
const indexEntrySchema = z.strictObject({
  workflowId: z.string().regex(new RegExp(`^${SEGMENT}(/${SEGMENT})*$`)).refine((id) => !id.split('/').some((part) => part === '.' || part === '..'), 'no . and no .. in it'),
  runId: z.string().regex(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  type: z.string(),
  status: z.string(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  sizeBytes: z.number().int().nonnegative(),
  /** Where it was found. */
  from: z.enum(['archive', 'server']),
});
export type IndexEntry = z.infer<typeof indexEntrySchema>;

/**
 * @param flag that named the directory, for messages
 * @throws BadInputError for a directory that is no export
 */
export async function readAbout(flag: string, directory: string): Promise<ExportAbout> {
  const file = exportPaths.about(directory);
  const text = await readIfThere(file);
  if (text === null) throw new BadInputError({ where: `${flag} ${directory}`, expected: 'a directory that "seal export-history" wrote', got: 'one without export.json' });
  return parsed(file, text, aboutSchema);
}

/**
 * The index of an export; of several lines for a run the last counts.
 * @param tolerant of an export that is still to be written, or was killed: there may be none, and a last line that was cut off is left out
 * @throws BadInputError where there is none, or naming the line, for one of another form or of another campaign
 */
export async function readIndex(directory: string, campaignId: string, tolerant = false): Promise<Map<string, IndexEntry>> {
  const file = exportPaths.index(directory);
  const text = await readIfThere(file);
  if (text === null) {
    if (tolerant) return new Map();
    throw new BadInputError({ where: file, expected: 'the index that "seal export-history" writes', got: 'no such file' });
  }
  const lines = text.split('\n');
  const last = lines.pop() ?? '';
  if (last !== '' && !tolerant) lines.push(last);
  const entries = new Map<string, IndexEntry>();
  lines.forEach((line, i) => {
    const where = `${file}, line ${i + 1}`;
    const entry = parsed(where, line, indexEntrySchema);
    if (entry.workflowId !== campaignId && !entry.workflowId.startsWith(`${campaignId}/`)) {
      throw new BadInputError({ where: `${where}: workflowId`, expected: `a workflow of ${campaignId}`, got: JSON.stringify(entry.workflowId) });
    }
    entries.set(runKey(entry), entry);
  });
  return entries;
}

/** Histories of an export. The name of a file follows from its workflow, never from what the index says. */
export class ExportedHistories implements HistorySource {
  readonly #directory: string;
  readonly #index: ReadonlyMap<string, IndexEntry>;
  readonly #archived: (run: WorkflowRun) => string | null;

  /** @param archived hash of a run's history in the campaign's own record, where it names one */
  constructor(directory: string, index: ReadonlyMap<string, IndexEntry>, archived: (run: WorkflowRun) => string | null) {
    this.#directory = directory;
    this.#index = index;
    this.#archived = archived;
  }

  known(): Promise<readonly WorkflowRun[]> {
    return Promise.resolve([...this.#index.values()].map(({ workflowId, runId }) => ({ workflowId, runId })));
  }

  async find({ workflowId, runId }: WorkflowRun): Promise<FoundHistory | null> {
    const entry = this.#index.get(runKey({ workflowId, runId }));
    const archived = this.#archived({ workflowId, runId });
    if (entry === undefined && archived === null) return null;
    const where = `histories/${historyFileName(workflowId, runId)}`;
    const expected = archived ?? entry?.sha256 ?? '';
    const bytes = await readFile(join(exportPaths.histories(this.#directory), historyFileName(workflowId, runId))).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
      return null;
    });
    if (bytes === null) throw new HistoryChangedError(where, `sha256 ${expected}`, 'no such file');
    const { sha256 } = hashBytes(bytes);
    if (sha256 !== expected) throw new HistoryChangedError(where, `sha256 ${expected}, as ${archived === null ? 'the index' : 'the archive'} says`, `sha256 ${sha256}`);
    if (entry === undefined) throw new HistoryChangedError('histories/index.jsonl', `a line for ${workflowId}, run ${runId}`, 'none');
    if (entry.sha256 !== sha256) throw new HistoryChangedError(`histories/index.jsonl: ${workflowId}, run ${runId}`, `sha256 ${sha256}`, `sha256 ${entry.sha256}`);
    return { workflowId, runId, bytes, where };
  }

  wasGone(): boolean {
    return false;
  }
}

function parsed<Value>(where: string, text: string, schema: z.ZodType<Value>): Value {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new BadInputError({ where, expected: 'JSON, as "seal export-history" wrote it', got: cause instanceof Error ? cause.message : 'something else' }, { cause });
  }
  return parseBySchema(schema, json, placeIn(where));
}

async function readIfThere(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return null;
  }
}

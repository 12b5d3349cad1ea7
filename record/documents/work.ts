/** Who computed what, when and at what cost; and the checkpoints of what is under way. */
import { z } from 'zod';
import { spentSchema } from '../../campaign/ledger';
import { WORK_KINDS } from '../../campaign/work';
import type { ArtifactStore } from '../../storage/artifact-store';
import { readAll } from '../bounded-reads';
import { DocumentType } from '../document-type';
import { positive, whole } from '../json-file';
import { keyPrefixes, manifestKeys } from '../keys';

const workRecord = z.strictObject({
  kind: z.enum(WORK_KINDS),
  scope: z.string(),
  from: whole,
  to: whole,
  repeat: whole,
  memoryParts: positive.exactOptional(),
  /** `<process id>@<host>`. */
  worker: z.string(),
  /** ISO 8601. */
  startedAt: z.string(),
  seconds: z.number().nonnegative(),
  /** `failed`: it broke, took too long or was cancelled. `lost`: its worker was; this is what its heartbeats had told. */
  outcome: z.enum(['done', 'failed', 'lost']),
  /** Of the activity's execution, from 1; what the workflow schedules anew begins at 1 again. */
  attempt: positive,
  /** What it cost. */
  spent: spentSchema,
  /** Of the code that computed it, where the campaign began with other code. */
  codeVersion: z.string().exactOptional(),
  /** What is worth saying: why a training began anew though it had been under way. */
  note: z.string().exactOptional(),
});
/** One computation of one attempt. Part of no result: attempts differ in it. */
export type WorkRecord = Readonly<z.infer<typeof workRecord>>;
export const workDocument = new DocumentType<WorkRecord>('work', [manifestKeys.work], [], workRecord);

/** Of every attempt, in no order. */
export async function workRecords(store: ArtifactStore, campaignId: string): Promise<WorkRecord[]> {
  const keys = await store.list(keyPrefixes.work(campaignId));
  return readAll(keys, async (key) => (await workDocument.read(store, key)).summary);
}

export const CHECKPOINT_FILE = 'checkpoint.safetensors';
export const checkpointDocument = new DocumentType('checkpoint', [manifestKeys.checkpoint], [{ name: CHECKPOINT_FILE }], z.strictObject({ steps: whole }));

import { join } from 'node:path';
import { pinModel } from '../activities/stored/model-directories';
import { trainingFingerprint } from '../activities/training/training-fingerprint';
import type { CheckpointSettings, FineTuneRequest } from '../campaign/language-model';
import { ADAPTER_FILES } from '../engine/files/adapter';
import { computingMachine } from '../engine/runtime/machine';
import { hashFile } from '../storage/content-hash';
import { codeVersion } from '../workers/code-version';

/** Checkpoints of a fine-tune on this machine, for which its model's files are hashed, and those of the adapter that it starts from. */
export async function checkpointsOf(request: FineTuneRequest, directory: string, seconds: number): Promise<CheckpointSettings> {
  const adapters = request.jobs.flatMap(({ initAdapterDirectory }) => initAdapterDirectory ?? []);
  const initial = adapters.flatMap((adapter) => ADAPTER_FILES.map((name) => join(adapter, name)));
  const identity = {
    model: (await pinModel(request.modelDirectory)).files,
    initial: await Promise.all(initial.map(async (file) => (await hashFile(file)).sha256)),
    codeVersion: codeVersion(),
    machine: computingMachine(),
  };
  return { directory, seconds, fingerprint: trainingFingerprint(request, identity) };
}

import { CheckpointUploads } from '../activities/training/checkpoint-uploads';
import { StoredCheckpoints } from '../activities/training/stored-checkpoints';
import { checkpointFileName, CheckpointFiles } from '../engine/files/checkpoint-files';
import type { PretrainRequest } from '../engine/model/pretraining/pretrain';
import { computingMachine } from '../engine/runtime/machine';
import { canonicalJson } from '../storage/canonical-json';
import { hashBytes, hashFile } from '../storage/content-hash';
import { openStoreFromEnvironment } from '../storage/open-store';
import { codeVersion } from '../workers/code-version';

/** Stands where a campaign's id does; no campaign can have it. */
const PRETRAINING = '_pretraining';

/** Checkpoints of a pretraining in the store. */
export interface PretrainingStore {
  readonly uploads: CheckpointUploads;
  /** Puts the store's newest whole checkpoint into the work directory, if it is ahead of what lies there. */
  fetchNewer(): Promise<void>;
  /** The model is written. */
  discard(): Promise<void>;
  close(): void;
}

/** @throws as openStoreFromEnvironment */
export async function openPretrainingStore(request: PretrainRequest, log: (line: string) => void): Promise<PretrainingStore> {
  const store = await openStoreFromEnvironment();
  const { model, training, seed, eosTokenId, corpusFile, workDirectory } = request;
  const code = codeVersion();
  const corpus = (await hashFile(corpusFile)).sha256;
  const name = hashBytes(Buffer.from(canonicalJson({ model, training, seed, eosTokenId, corpus, codeVersion: code }))).sha256.slice(0, 32);
  // Beside the campaigns', so that whatever looks after their checkpoints finds these.
  const stored = new StoredCheckpoints(store, { campaignId: PRETRAINING, training: name, machine: computingMachine(), codeVersion: code });
  const damaged = ({ message }: Error): void => log(`a checkpoint is damaged and passed over: ${message}`);
  return {
    uploads: new CheckpointUploads(stored, (message, { error }) => log(`${message}: ${String(error)}`)),
    async fetchNewer() {
      await stored.find();
      const local = await new CheckpointFiles(workDirectory).newest();
      if (stored.mostSteps <= (local?.steps ?? 0)) return;
      const fetched = await stored.fetchNewest(workDirectory, checkpointFileName, damaged);
      if (fetched !== undefined) log(`going on from step ${fetched.steps}, a checkpoint of the store`);
      else if (stored.onlyOthers) log('starting over: the checkpoints in the store are of another kind of machine');
    },
    discard: () => stored.discard(),
    close: () => store.close(),
  };
}

import type { FineTuneRequest } from '../../campaign/language-model';
import { canonicalJson } from '../../storage/canonical-json';
import { hashBytes } from '../../storage/content-hash';

/** 128 bits: enough to tell trainings apart, short enough for a key. */
const DIGITS = 32;

/**
 * Names a training by all that decides its bits on one kind of machine. Directories are left out: where a model or an adapter lies
 * differs between workers; what it holds is for `identity` to say.
 */
export function trainingFingerprint(
  { lora, compute, gradientCheckpointing, jobs }: Pick<FineTuneRequest, 'lora' | 'compute' | 'gradientCheckpointing' | 'jobs'>,
  identity: Readonly<Record<string, unknown>>,
): string {
  const trained = jobs.map(({ rows, optimiser, lora: own, seed }) => ({ rows, optimiser, lora: own, seed }));
  return hashBytes(Buffer.from(canonicalJson({ lora, compute, gradientCheckpointing, jobs: trained, identity }))).sha256.slice(0, DIGITS);
}

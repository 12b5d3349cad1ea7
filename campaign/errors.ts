/** Where a wrong input is, what was expected there and what was found: the one line a user reads. */
export interface BadInputDetail {
  /** The file (with its line, where it has lines), field or flag. */
  readonly where: string;
  readonly expected: string;
  readonly got: string;
}

/** Input that can never work as it is. The command line exits with 2; an activity never retries it. */
export class BadInputError extends Error {
  override readonly name: string = 'BadInputError';
  readonly code: string = 'BAD_INPUT';
  readonly detail: BadInputDetail;

  constructor(detail: BadInputDetail, options?: ErrorOptions) {
    super(oneLine(`${detail.where}: expected ${detail.expected}, got ${detail.got}`), options);
    this.detail = detail;
  }
}

/**
 * What this machine lacks for the work, and another may have: model files, a key, a device. A command ends with it as with other bad
 * input; in a campaign retryable without limit, elsewhere, or here once it is there.
 */
export class MachineUnableError extends BadInputError {
  override readonly name = 'MachineUnableError';
  override readonly code = 'MACHINE_UNABLE';
}

const MAX_LINE_CHARACTERS = 1000;

/**
 * A message as one line of at most about 1000 characters. A hostile file's names may hold terminal sequences, or be megabytes long: control
 * characters are shown, the middle of what is too long is left out.
 */
export function oneLine(text: string): string {
  const half = MAX_LINE_CHARACTERS / 2;
  const trimmed = text.trim();
  const cut = trimmed.length <= MAX_LINE_CHARACTERS ? trimmed : `${trimmed.slice(0, half)} ... ${trimmed.slice(-half)}`;
  return cut
    .replace(/\s*[\r\n]+\s*/g, ' ')
    .replace(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A loss, gradient or weight that is NaN or infinite: the fine-tune stops and names the step. Not retryable. */
export class NotFiniteError extends Error {
  override readonly name = 'NotFiniteError';
  readonly code = 'NOT_FINITE';
}

/** The compute process ended without answering, for a reason that nobody reported. Retryable as it was. */
export class ComputeProcessDiedError extends Error {
  override readonly name = 'ComputeProcessDiedError';
  readonly code = 'COMPUTE_PROCESS_DIED';
}

/** Out of memory, as the runtime or the kernel reported it: never guessed. Retryable with less memory at once. */
export class OutOfMemoryError extends Error {
  override readonly name = 'OutOfMemoryError';
  readonly code = 'OUT_OF_MEMORY';
}

/** The compute process lives but made no progress for as long as a step may take; it was killed. Retryable. */
export class ComputeStalledError extends Error {
  override readonly name = 'ComputeStalledError';
  readonly code = 'COMPUTE_STALLED';
}

/** The work was cancelled by its caller. */
export class ComputeCancelledError extends Error {
  override readonly name = 'ComputeCancelledError';
  readonly code = 'CANCELLED';
}

/** An artifact that a manifest names is not in the store. Retryable: stores are eventually repaired. */
export class ArtifactMissingError extends Error {
  override readonly name = 'ArtifactMissingError';
  readonly code = 'ARTIFACT_MISSING';
}

/** An artifact's bytes do not have the hash that names them. Retryable a few times: they may have been damaged on their way. */
export class ArtifactCorruptError extends Error {
  override readonly name = 'ArtifactCorruptError';
  readonly code = 'ARTIFACT_CORRUPT';
}

/** A server (Temporal or S3) does not answer at its address. The command line says the address and what to do. */
export class ServerUnreachableError extends Error {
  override readonly name = 'ServerUnreachableError';
  readonly code = 'SERVER_UNREACHABLE';
}

/** The store answers but cannot do it: full, read-only, broken inside. Retryable without limit, since somebody will mend it. */
export class StoreFailedError extends Error {
  override readonly name = 'StoreFailedError';
  readonly code = 'STORE_FAILED';
}

/**
 * The store does not let us: credentials that it does not know, that have expired, or that may not do this. A command ends with it (exit
 * 2); retryable without limit in a campaign, since keys are exchanged and policies mended while it waits.
 */
export class StoreRefusedError extends Error {
  override readonly name = 'StoreRefusedError';
  readonly code = 'STORE_REFUSED';
}

/** This machine's disk is full or read-only. Retryable without limit, here once there is room or on another worker. */
export class DiskFullError extends Error {
  override readonly name = 'DiskFullError';
  readonly code = 'DISK_FULL';
}

/** An endpoint gave no usable answer in all its attempts. Retryable: the next attempt of the activity may find it well. */
export class EndpointFailedError extends Error {
  override readonly name = 'EndpointFailedError';
  readonly code = 'ENDPOINT_FAILED';
}

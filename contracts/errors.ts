/** Where a wrong input is, what was expected there and what was found: the one line a user reads. */
export interface BadInputDetail {
  /** The file (with its line, where it has lines), field or flag. */
  readonly where: string;
  readonly expected: string;
  readonly got: string;
}

/** Input that can never work as it is. The command line exits with 2; an activity never retries it. */
export class BadInputError extends Error {
  override readonly name = 'BadInputError';
  readonly code = 'BAD_INPUT';
  readonly detail: BadInputDetail;

  constructor(detail: BadInputDetail, options?: ErrorOptions) {
    super(`${detail.where}: expected ${detail.expected}, got ${detail.got}`.replace(/\s*\n\s*/g, ' '), options);
    this.detail = detail;
  }
}

/** A loss, gradient or weight that is NaN or infinite: the fine-tune stops and names the step. Not retryable. */
export class NotFiniteError extends Error {
  override readonly name = 'NotFiniteError';
  readonly code = 'NOT_FINITE';
}

/** The compute process ended without answering (killed, crashed, out of memory). Retryable. */
export class ComputeProcessDiedError extends Error {
  override readonly name = 'ComputeProcessDiedError';
  readonly code = 'COMPUTE_PROCESS_DIED';
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

/** An artifact's bytes do not have the hash that names them. Not retryable. */
export class ArtifactCorruptError extends Error {
  override readonly name = 'ArtifactCorruptError';
  readonly code = 'ARTIFACT_CORRUPT';
}

/** A server (Temporal or S3) does not answer at its address. The command line says the address and what to do. */
export class ServerUnreachableError extends Error {
  override readonly name = 'ServerUnreachableError';
  readonly code = 'SERVER_UNREACHABLE';
}

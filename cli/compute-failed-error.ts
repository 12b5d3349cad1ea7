/** A fine-tune that ended without an adapter, though its input was in order. */
export class ComputeFailedError extends Error {
  override readonly name = 'ComputeFailedError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

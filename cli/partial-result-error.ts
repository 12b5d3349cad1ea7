import { BadInputError, type BadInputDetail } from '../campaign/errors';

/** Some of what was asked for cannot be: the command fails, and what it found out about the rest is its result all the same. */
export class PartialResultError extends BadInputError {
  /** @param result what `--json` prints beside `error` */
  constructor(
    detail: BadInputDetail,
    readonly result: object,
  ) {
    super(detail);
  }
}

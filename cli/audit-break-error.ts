import type { AuditResult } from '../audit/audit-campaign';

/** A campaign's record is not as it was made: the command fails, and what it found is its result all the same. */
export class AuditBreakError extends Error {
  override readonly name = 'AuditBreakError';
  readonly code = 'AUDIT_BREAK';
  /** What `--json` prints beside `error`. */
  readonly result: AuditResult;

  constructor(result: AuditResult) {
    const { breaks, campaignId } = result;
    super(`${campaignId}: ${breaks.length} ${breaks.length === 1 ? 'break' : 'breaks'} in its record`);
    this.result = result;
  }
}

import type { Command } from 'commander';
import { doctor, type DoctorCheck } from '../../infra/stack/doctor';
import { BadInputError, oneLine, ServerUnreachableError, StoreFailedError, StoreRefusedError } from '../../campaign/errors';
import { CONDITIONAL_WRITES } from '../../storage/conditional-writes';
import { newCommand, runWith } from '../command';
import { homeDiskUse } from '../disk-state';
import { PartialResultError } from '../partial-result-error';
import { readableBytes } from '../readable-bytes';
import { askForAccess, tryConditionalWrites } from '../store-access';

/** `seal doctor`: what this machine has, and what to do about what it lacks. */
export function doctorCommand(): Command {
  return runWith(newCommand('doctor', 'check what this machine has, and what to do about what it lacks'), async (_flags, output) => {
    const conditional = await checkConditional();
    const checks = [...(await doctor()), await checkAccess(), conditional.check, await checkQuota()];
    const result = { ok: checks.every(({ ok }) => ok), checks };
    if (conditional.refusal === null || !output.json) output.result(result, () => checks.map(line).join('\n'));
    // Unlike all else, this can neither be waited for nor done without.
    if (conditional.refusal !== null) throw new PartialResultError(conditional.refusal.detail, result);
  });
}

function line({ name, ok, detail, advice }: DoctorCheck): string {
  return `${ok ? 'ok     ' : 'missing'}  ${name}: ${detail}${advice === null ? '' : `\n         ${advice}`}`;
}

/** Whether the store that this environment names lets us in. */
async function checkAccess(): Promise<DoctorCheck> {
  const name = 'S3 access';
  try {
    await askForAccess();
    return { name, ok: true, detail: 'granted', advice: null };
  } catch (error) {
    // The check of the server itself has said it.
    if (error instanceof ServerUnreachableError) return { name, ok: true, detail: 'not known: no server answers', advice: null };
    if (!(error instanceof BadInputError || error instanceof StoreFailedError || error instanceof StoreRefusedError)) throw error;
    return { name, ok: false, detail: oneLine(error.message), advice: accessAdvice(error) };
  }
}

/** Whether the store can have one winner of several writes; `refusal` where it cannot. */
async function checkConditional(): Promise<{ readonly check: DoctorCheck; readonly refusal: BadInputError | null }> {
  const name = 'S3 conditional writes';
  const passed = (detail: string) => ({ check: { name, ok: true, detail, advice: null }, refusal: null });
  try {
    return passed((await tryConditionalWrites()) ? 'one winner of several writes' : 'not tried: there is no bucket yet');
  } catch (error) {
    if (!(error instanceof BadInputError || error instanceof ServerUnreachableError || error instanceof StoreFailedError || error instanceof StoreRefusedError)) throw error;
    // The check of access says what else may be wrong.
    if (!(error instanceof BadInputError && error.detail.expected === CONDITIONAL_WRITES)) return passed('not tried');
    return { check: { name, ok: false, detail: error.message, advice: 'use another store, or a version of it that has them' }, refusal: error };
  }
}

function accessAdvice(error: BadInputError | StoreFailedError | StoreRefusedError): string {
  if (error instanceof StoreFailedError) return 'mend the S3 server, its clock or its disk; campaigns wait meanwhile';
  if (error instanceof StoreRefusedError) return 'correct the AWS_* variables or AWS files, or what the server allows; campaigns wait meanwhile';
  return 'correct what is named';
}

/** The disk that $SEAL_HOME may take. */
async function checkQuota(): Promise<DoctorCheck> {
  const name = 'disk quota';
  try {
    const use = await homeDiskUse();
    if (use === null) return { name, ok: true, detail: 'nothing stored yet', advice: null };
    const taken = use.quotaBytes === null || use.usedBytes === null ? `no quota (SEAL_DISK_QUOTA_GB) for ${use.directory}` : `${readableBytes(use.usedBytes)} in ${use.directory}, of ${readableBytes(use.quotaBytes)}`;
    const advice = use.state === 'ok' ? null : 'seal delete and seal gc make room; or raise SEAL_DISK_QUOTA_GB';
    return { name, ok: use.state !== 'full', detail: `${taken}, ${readableBytes(use.freeBytes)} free on its disk${use.state === 'ok' ? '' : `: ${use.state}`}`, advice };
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    return { name, ok: false, detail: error.message, advice: 'correct SEAL_DISK_QUOTA_GB, or unset it' };
  }
}

import type { Command } from 'commander';
import { doctor, type DoctorCheck } from '../../infra/stack/doctor';
import { BadInputError } from '../../contracts/errors';
import { newCommand, runWith } from '../command';
import { homeDiskUse } from '../disk-state';
import { readableBytes } from '../readable-bytes';

/** `seal doctor`: what this machine has, and what to do about what it lacks. */
export function doctorCommand(): Command {
  return runWith(newCommand('doctor', 'check what this machine has, and what to do about what it lacks'), async (_flags, output) => {
    const checks = [...(await doctor()), await checkQuota()];
    output.result({ ok: checks.every(({ ok }) => ok), checks }, () => checks.map(line).join('\n'));
  });
}

function line({ name, ok, detail, advice }: DoctorCheck): string {
  return `${ok ? 'ok     ' : 'missing'}  ${name}: ${detail}${advice === null ? '' : `\n         ${advice}`}`;
}

/** The disk that $SEAL_HOME may take. */
async function checkQuota(): Promise<DoctorCheck> {
  const name = 'disk quota';
  try {
    const use = await homeDiskUse();
    if (use === null) return { name, ok: true, detail: 'nothing stored yet', advice: null };
    const of = use.quotaBytes === null ? 'no quota (SEAL_DISK_QUOTA_GB)' : `of ${readableBytes(use.quotaBytes)}`;
    const advice = use.state === 'ok' ? null : 'seal delete and seal gc make room; or raise SEAL_DISK_QUOTA_GB';
    return { name, ok: use.state !== 'full', detail: `${readableBytes(use.usedBytes)} in ${use.directory}, ${of}${use.state === 'ok' ? '' : `: ${use.state}`}`, advice };
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    return { name, ok: false, detail: error.message, advice: 'correct SEAL_DISK_QUOTA_GB, or unset it' };
  }
}

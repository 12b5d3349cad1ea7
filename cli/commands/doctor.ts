import type { Command } from 'commander';
import { doctor, type DoctorCheck } from '../../infra/stack/doctor';
import { newCommand, runWith } from '../command';

/** `seal doctor`: what this machine has, and what to do about what it lacks. */
export function doctorCommand(): Command {
  return runWith(newCommand('doctor', 'check what this machine has, and what to do about what it lacks'), async (_flags, output) => {
    const checks = await doctor();
    output.result({ ok: checks.every(({ ok }) => ok), checks }, () => checks.map(line).join('\n'));
  });
}

function line({ name, ok, detail, advice }: DoctorCheck): string {
  return `${ok ? 'ok     ' : 'missing'}  ${name}: ${detail}${advice === null ? '' : `\n         ${advice}`}`;
}

import { run } from '../../cli/run';

/** How one run of the command line ended. */
export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process and collects what it writes. */
export async function runCommand(args: readonly string[]): Promise<CommandResult> {
  let stdout = '';
  let stderr = '';
  const exitCode = await run(args, { writeOut: (text) => (stdout += text), writeErr: (text) => (stderr += text) });
  return { exitCode, stdout, stderr };
}

import { execFile } from 'node:child_process';

/**
 * What a command prints, or null where it cannot be run, fails or takes longer.
 * @param timeoutMs @default 15000
 */
export function probeCommand(command: string, args: readonly string[], timeoutMs = 15_000): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(command, [...args], { timeout: timeoutMs }, (error, stdout, stderr) => {
      resolve(error === null ? (stdout || stderr).trim() : null);
    });
  });
}

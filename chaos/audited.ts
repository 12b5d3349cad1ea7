import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { environment } from '../settings/environment';

const CLI = join(__dirname, '..', 'cli', 'main.js');

/** What of `seal audit --json` is told. */
const auditSchema = z.object({ breaks: z.array(z.object({ kind: z.string(), what: z.string(), expected: z.string(), got: z.string() })) });

/** One line for each break that `seal audit` finds in a campaign of a home's embedded stack, and for an audit that did not end. */
export async function auditOf(home: string, campaignId: string): Promise<readonly string[]> {
  const env = { ...environment(), SEAL_HOME: home, TEMPORAL_ADDRESS: '', S3_ENDPOINT: '' };
  const { stdout, stderr } = await new Promise<{ stdout: string; stderr: string }>((resolve) => {
    const maxBuffer = 64 * 1024 * 1024;
    // Its exit code repeats what the document says.
    execFile(process.execPath, ['--enable-source-maps', CLI, 'audit', campaignId, '--json'], { env, maxBuffer }, (_, out, err) => resolve({ stdout: out, stderr: err }));
  });
  const result = parsed(stdout);
  if (result === null) return [`did not end: ${stderr.trim() || stdout.trim() || 'no output'}`];
  return result.breaks.map(({ kind, what, expected, got }) => `${kind}: ${what}: expected ${expected}, got ${got}`);
}

function parsed(text: string): z.infer<typeof auditSchema> | null {
  try {
    return auditSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from './package-root';

const serverBinariesSchema = z.strictObject({ temporal: z.string().optional(), versitygw: z.string().optional() });
export type ServerName = 'temporal' | 'versitygw';

/**
 * Absolute path of an embedded server's program; found, downloaded or built if need be (infra/bootstrap/servers.mjs).
 * @param say told what is done while it takes time
 * @throws Error with the reason, the last of the ways that were tried
 */
export async function serverBinary(name: ServerName, say: (line: string) => void): Promise<string> {
  const script = join(packageRoot(), 'infra', 'bootstrap', 'servers.mjs');
  const child = spawn(process.execPath, [script, name], { stdio: ['ignore', 'pipe', 'pipe'] });
  let result = '';
  let pending = '';
  let lastLine = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (result += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const lines = (pending + text).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) {
      lastLine = line;
      say(line);
    }
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(lastLine || `${script} exited with ${code}`);
  const path = serverBinariesSchema.parse(JSON.parse(result))[name];
  if (path === undefined) throw new Error(`${script} did not name ${name}`);
  return path;
}

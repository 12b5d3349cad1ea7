import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { packageRoot } from '../../infra/stack/package-root';
import { startStack, stopStack } from '../../infra/stack/stack';

jest.setTimeout(120_000);

it('recovers from being killed, with its server, at any moment of the very first start', async () => {
  const home = mkdtempSync(join(tmpdir(), 'seal-first-'));
  const env = { ...process.env, TEMPORAL_ADDRESS: '', S3_ENDPOINT: '' };
  const script = `require(${JSON.stringify(join(packageRoot(), 'dist/infra/stack/stack.js'))})
    .startStack({ home: ${JSON.stringify(home)}, ports: { temporal: 0, ui: null, s3: 0 }, worker: false })`;
  try {
    for (const patienceMs of [0, 100, 400]) {
      const starter = spawn(process.execPath, ['-e', script], { env, stdio: 'ignore' });
      const ended = new Promise((resolve) => starter.once('exit', resolve));
      const pidFile = join(home, 'run', 'temporal-first-start.json');
      while (!existsSync(pidFile) && starter.exitCode === null) await sleep(5);
      await sleep(patienceMs);
      const { pid } = JSON.parse(readFileSync(pidFile, 'utf8')) as { pid: number };
      starter.kill('SIGKILL');
      process.kill(pid, 'SIGKILL');
      await ended;
      expect(existsSync(join(home, 'temporal.db'))).toBe(false);
    }
    const status = await startStack({ home, env, ports: { temporal: 0, ui: null, s3: 0 }, worker: false });
    expect(status).toMatchObject({ up: true, temporal: { uiUrl: null } });
    // The database and its journal, and nothing of a first start that was cut off.
    expect(readdirSync(home).filter((name) => name.startsWith('temporal.db')).sort()).toEqual(['temporal.db', 'temporal.db-shm', 'temporal.db-wal']);
  } finally {
    await stopStack({ home });
    rmSync(home, { recursive: true });
  }
});

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { isAlive } from '../../storage/living-process';

it('tells what runs from what has ended', () => {
  expect([isAlive(process.pid), isAlive(process.ppid)]).toEqual([true, true]);
  expect(isAlive(spawnSync(process.execPath, ['--version']).pid)).toBe(false);
});

const onLinux = process.platform === 'linux' ? it : it.skip;

onLinux('counts as ended what nobody has taken notice of yet', async () => {
  // The shell becomes a program that never asks for its child.
  const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    expect(isAlive(pid)).toBe(true);
    while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
    // The system still knows it.
    expect(process.kill(pid, 0)).toBe(true);
  } finally {
    parent.kill('SIGKILL');
  }
});

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { partialPath, sweepAbandoned } from '../../storage/partial-path';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-partial-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** The name that a process of this id would have given it. */
function madeBy(pid: number, host = hostname()): string {
  return basename(partialPath(join(directory, 'policy'))).replace(`.${process.pid}@${hostname()}.`, `.${pid}@${host}.`);
}

it('never gives the same name twice', () => {
  expect(partialPath('a')).not.toBe(partialPath('a'));
});

it('sweeps what the dead of this machine left, files and directories alike', async () => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  mkdirSync(join(directory, madeBy(pid), 'inside'), { recursive: true });
  writeFileSync(join(directory, madeBy(pid)), 'half');
  await sweepAbandoned(directory);
  expect(readdirSync(directory)).toEqual([]);
});

it('sweeps what a killed process of the same id left: in a container every process has it', async () => {
  writeFileSync(partialPath(join(directory, 'policy')), 'half');
  await sweepAbandoned(directory);
  expect(readdirSync(directory)).toEqual([]);
});

it('leaves what the living write, what other machines write, and what is whole', async () => {
  const names = [madeBy(process.ppid), madeBy(process.pid, 'elsewhere'), 'new.partial', 'whole'].sort();
  for (const name of names) writeFileSync(join(directory, name), 'content');
  await sweepAbandoned(directory);
  expect(readdirSync(directory).sort()).toEqual(names);
});

it('sweeps what it cannot tell the maker of once it is a day old', async () => {
  for (const name of [madeBy(1, 'elsewhere'), 'old.partial']) {
    writeFileSync(join(directory, name), 'half');
    utimesSync(join(directory, name), new Date(0), new Date(0));
  }
  await sweepAbandoned(directory);
  expect(readdirSync(directory)).toEqual([]);
});

it('finds nothing to do where there is no directory', async () => {
  await expect(sweepAbandoned(join(directory, 'missing'))).resolves.toBeUndefined();
});

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning, OwnProcesses, startTimeOf } from '../../infra/stack/own-process';

let home: string;
let processes: OwnProcesses;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'seal-own-'));
  processes = new OwnProcesses(home);
});
afterEach(async () => {
  await processes.stop('thing', 100);
  rmSync(home, { recursive: true });
});

function launch(script: string, purpose = 'test') {
  return processes.launch({ name: 'thing', command: process.execPath, args: ['-e', script], env: process.env, purpose });
}
const FOREVER = 'setInterval(() => {}, 1000);';

it('starts a process that is known by id and start time, with its output in its log', async () => {
  const launched = launch(`console.log('hello'); ${FOREVER}`, 'greeting');
  await launched.waitUntil(() => Promise.resolve(launched.output().includes('hello')), 10_000);
  expect(processes.running('thing')).toMatchObject({ purpose: 'greeting' });
  expect(readFileSync(processes.logFile('thing'), 'utf8')).toBe('hello\n');
});

it('stops it, at once where it obeys and by force where it does not', async () => {
  for (const script of [FOREVER, `process.on('SIGTERM', () => {}); console.log('deaf'); ${FOREVER}`]) {
    const launched = launch(script);
    if (script !== FOREVER) await launched.waitUntil(() => Promise.resolve(launched.output().includes('deaf')), 10_000);
    const identity = processes.running('thing');
    expect(await processes.stop('thing', 200)).toBe(true);
    expect(identity !== null && isRunning(identity)).toBe(false);
    expect(processes.running('thing')).toBeNull();
  }
  expect(await processes.stop('thing')).toBe(false);
});

it('never stops a process that only has the id of one of its own', async () => {
  const stranger = spawn(process.execPath, ['-e', FOREVER]);
  const pid = stranger.pid ?? 0;
  processes.record('thing', { pid, startTime: `not ${startTimeOf(pid)}`, purpose: 'test' });
  expect(processes.running('thing')).toBeNull();
  expect(await processes.stop('thing')).toBe(false);
  expect(stranger.exitCode).toBeNull();
  stranger.kill('SIGKILL');
});

it('says what a process printed that ends as it starts', async () => {
  const launched = launch(`console.error('port taken'); process.exit(3);`);
  await expect(launched.waitUntil(() => Promise.resolve(false), 10_000)).rejects.toThrow(
    'thing ended as it started: port taken',
  );
});

it('says so when a program cannot be started at all', async () => {
  const launched = processes.launch({ name: 'thing', command: join(home, 'none'), args: [], env: {}, purpose: 'test' });
  await expect(launched.waitUntil(() => Promise.resolve(false), 10_000)).rejects.toThrow(/^thing could not be started: .*ENOENT/);
});

it('does not wait longer than it is told to', async () => {
  const launched = launch(FOREVER);
  await expect(launched.waitUntil(() => Promise.resolve(false), 100)).rejects.toThrow(
    'thing was not ready after 0.1 s: it printed nothing',
  );
});

import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPeerPython, type PeerPython } from '../../bench/peer';

let directory: string;
let environment: NodeJS.ProcessEnv;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-bench-'));
  // Nothing but what a test puts there: no interpreter of this machine, no registry.
  environment = { PATH: '/usr/bin:/bin' };
  mkdirSync(join(directory, 'bench'));
  writeFileSync(join(directory, 'bench/requirements.txt'), 'torch==1.2.3\n');
});
afterEach(() => rmSync(directory, { recursive: true }));

const find = (say: (line: string) => void = () => undefined): PeerPython => findPeerPython(directory, say, environment);

/** A program on PATH that notes its arguments and, asked for an environment, makes one in which it stands itself. */
function fakePython(exitCodeOfPip: number): void {
  const bin = join(directory, 'path');
  const file = join(bin, 'python3');
  mkdirSync(bin);
  writeFileSync(
    file,
    `#!/bin/sh
echo "$@" >> '${join(directory, 'calls')}'
case "$2" in
  venv) mkdir -p "$3/bin" && cp '${file}' "$3/bin/python" ;;
  pip) exit ${exitCodeOfPip} ;;
esac
`,
  );
  chmodSync(file, 0o755);
  environment['PATH'] = `${bin}:/usr/bin:/bin`;
}

const calls = (): string[] => readFileSync(join(directory, 'calls'), 'utf8').trim().split('\n');

const describePosix = process.platform === 'win32' ? describe.skip : describe;

describePosix('findPeerPython', () => {
  it('installs the pinned packages once, and says so', () => {
    fakePython(0);
    const said: string[] = [];
    const python = join(directory, '.venv-bench/bin/python');
    expect(find((line) => said.push(line))).toEqual({ python });
    expect(said).toEqual([expect.stringContaining('installing the peer (torch==1.2.3) into .venv-bench')]);
    expect(calls().at(-1)).toContain(`-r ${join(directory, 'bench/requirements.txt')}`);
    const callsOfFirst = calls().length;
    expect(find((line) => said.push(line))).toEqual({ python });
    expect(calls()).toHaveLength(callsOfFirst);
    expect(said).toHaveLength(1);
  });

  it('installs again when the pins change', () => {
    fakePython(0);
    find();
    writeFileSync(join(directory, 'bench/requirements.txt'), 'torch==1.2.4\n');
    const said: string[] = [];
    find((line) => said.push(line));
    expect(said).toEqual([expect.stringContaining('torch==1.2.4')]);
  });

  it('says that the packages could not be installed, and tries again next time', () => {
    fakePython(1);
    expect(find()).toEqual({ missing: expect.stringContaining('pip could not install') });
    expect(find()).toEqual({ missing: expect.stringContaining('pip could not install') });
  });

  it('says that there is no Python', () => {
    environment['PATH'] = directory;
    expect(find()).toEqual({ missing: 'no Python 3.10 or later on PATH' });
  });

  it('says that the given interpreter lacks the packages', () => {
    environment['SEAL_BENCH_PYTHON'] = join(directory, 'nowhere');
    expect(find()).toEqual({ missing: expect.stringContaining('cannot import torch, transformers and peft') });
  });
});

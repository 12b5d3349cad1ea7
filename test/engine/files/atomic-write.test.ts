import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { writeFileAtomically } from '../../../engine/files/atomic-write';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();

describe('writeFileAtomically', () => {
  /** What a full disk gives: the file system names neither file nor folder. */
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });

  it('names the file of a full disk, and leaves what was there', () => {
    const file = directory.path('kept');
    writeFileSync(file, 'before');
    const write = (): void => {
      throw full;
    };
    expect(() => writeFileAtomically(file, write)).toThrow(`${file}: ENOSPC: no space left on device, write`);
    expect(readFileSync(file, 'utf8')).toBe('before');
    expect(readdirSync(directory.path())).toEqual(['kept']);
  });

  it('gives other errors on as they are', () => {
    const error = new RangeError('tensor w');
    const write = (): void => {
      throw error;
    };
    expect(() => writeFileAtomically(directory.path('new'), write)).toThrow(error);
    expect(readdirSync(directory.path())).toEqual([]);
  });
});

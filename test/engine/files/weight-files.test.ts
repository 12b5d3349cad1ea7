import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { resolveWeightFiles } from '../../../engine/files/weight-files';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();

function touch(...names: string[]): string {
  const file = directory.path(...names);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, '');
  return file;
}

function link(target: string, ...names: string[]): string {
  const file = directory.path(...names);
  mkdirSync(join(file, '..'), { recursive: true });
  symlinkSync(target, file);
  return file;
}

describe('resolveWeightFiles', () => {
  it('names files of one folder as they are', () => {
    const files = [touch('model', 'a.safetensors'), touch('model', 'b.safetensors')];
    const resolved = resolveWeightFiles(files);
    expect(resolved.folder).toBe(realpathSync(directory.path('model')));
    expect(files.map((file) => resolved.nameOf(file))).toEqual(['a.safetensors', 'b.safetensors']);
  });

  it('follows links into the folder of blobs of a Hugging Face cache', () => {
    touch('blobs', '0a1b');
    touch('blobs', '2c3d');
    const files = [link('../../blobs/0a1b', 'snapshots', 'main', '1.safetensors'), link('../../blobs/2c3d', 'snapshots', 'main', '2.safetensors')];
    const resolved = resolveWeightFiles(files);
    expect(resolved.folder).toBe(realpathSync(directory.path('blobs')));
    expect(files.map((file) => resolved.nameOf(file))).toEqual(['0a1b', '2c3d']);
  });

  it('takes the deepest folder that holds files of several', () => {
    touch('disk', 'one', 'deep', 'x');
    const files = [touch('disk', 'two', 'y.safetensors'), link(directory.path('disk', 'one', 'deep', 'x'), 'disk', 'two', 'x.safetensors')];
    const resolved = resolveWeightFiles(files);
    expect(resolved.folder).toBe(realpathSync(directory.path('disk')));
    expect(files.map((file) => resolved.nameOf(file))).toEqual(['two/y.safetensors', 'one/deep/x']);
  });

  it('does not take a folder for one whose name begins alike', () => {
    const files = [touch('model', 'a'), touch('model-2', 'b')];
    const resolved = resolveWeightFiles(files);
    expect(resolved.folder).toBe(realpathSync(directory.path()));
    expect(files.map((file) => resolved.nameOf(file))).toEqual(['model/a', 'model-2/b']);
  });
});

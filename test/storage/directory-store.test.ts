import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectoryObjectClient } from '../../storage/directory-client';
import { itKeepsArtifacts } from './artifact-store-contract';

const root = mkdtempSync(join(tmpdir(), 'seal-directory-store-'));
afterAll(() => rmSync(root, { recursive: true }));

describe('the artifact store in a directory', () => {
  const objects = new DirectoryObjectClient(join(root, 'kept'));
  itKeepsArtifacts(() => objects);
});

describe('a hostile directory', () => {
  const objects = new DirectoryObjectClient(join(root, 'hostile'));
  beforeAll(() => {
    mkdirSync(join(root, 'hostile', 'campaigns'), { recursive: true });
    writeFileSync(join(root, 'secret.json'), '{}');
    symlinkSync(join(root, 'secret.json'), join(root, 'hostile', 'campaigns', 'link.json'));
    symlinkSync(root, join(root, 'hostile', 'campaigns', 'folder'));
  });

  it('shows nothing through a link', async () => {
    expect(await objects.read('campaigns/link.json')).toBeNull();
    expect(await objects.list('')).toEqual([]);
  });

  it.each(['../secret.json', 'campaigns/../../secret.json', '/etc/passwd'])('refuses %j', async (key) => {
    await expect(objects.read(key)).rejects.toMatchObject({ name: 'BadInputError' });
    await expect(objects.list(`${key}/`)).rejects.toMatchObject({ name: 'BadInputError' });
  });
});

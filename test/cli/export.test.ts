import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findPolicy, identityOf } from '../../cli/export/policy-lineage';
import { type Merge, writeExport } from '../../cli/export/write-export';
import { BadInputError } from '../../campaign/errors';
import { selectionDocument, selectionFile } from '../../record/documents/epochs';
import { manifestKeys } from '../../record/keys';
import { epochSummary } from '../../seal/report-data';
import { artifactKey } from '../../storage/artifact-store';
import { ActivityFixture } from '../activities/activity-fixture';
import { storedSelection } from '../activities/stored-selection';

let made: ActivityFixture;
beforeEach(async () => {
  made = new ActivityFixture();
  await made.pin('c', { epochs: 3 });
  await trainEpoch(1, null);
  await recordSelection(2, 0);
  await trainEpoch(3, manifestKeys.policy('c', 1));
});
afterEach(() => made.remove());

/** Runs an epoch's M-step on the recorded self-edit of its first candidate. */
async function trainEpoch(epoch: number, policy: string | null): Promise<void> {
  const campaign = await made.pin('c', { epochs: 3 });
  const task = { campaign, scope: `epoch-${epoch}`, split: 'train' as const, policy, source: 'recorded' as const, perContext: 2, contextsPerChunk: 8 };
  await made.run('proposeSelfEdits', { ...task, chunk: 1 });
  const { proposals } = await made.run('collectProposals', task);
  await made.run('trainPolicy', await storedSelection(made.store, { campaign, epoch, policy, proposals, kept: [epoch] }));
}

/** An epoch that kept nothing. */
async function recordSelection(epoch: number, kept: number): Promise<void> {
  const lineage = { inputs: {}, codeVersion: 'test', settings: {} };
  const files = { [selectionFile.name]: await selectionFile.put(made.store, { outcomes: [], kept: [] }) };
  await selectionDocument.publish(made.store, manifestKeys.selection('c', epoch), { files, lineage, summary: { ...epochSummary(epoch, [], 0), kept } });
}

async function exported(out: string, epoch: number, merge?: Merge): Promise<boolean> {
  const policy = await findPolicy(made.store, 'c', epoch);
  const identity = identityOf(policy, merge === undefined ? 'adapters' : 'merged', 'float32');
  return (await writeExport(made.store, policy, identity, out, merge)).unchanged;
}

const out = (): string => join(made.directory, 'exports', 'policy');

describe('export of adapters', () => {
  it('writes those of every epoch up to the one asked for, in folders of their own', async () => {
    expect(await exported(out(), 3)).toBe(false);
    expect(readdirSync(out()).sort()).toEqual(['README.md', 'epoch-1', 'epoch-3', 'export.json']);
    for (const epoch of [1, 3]) {
      const { files } = await made.store.readManifest(manifestKeys.policy('c', epoch));
      for (const [name, ref] of Object.entries(files)) {
        expect(readFileSync(join(out(), `epoch-${epoch}`, name)).equals(Buffer.from(await made.store.get(ref)))).toBe(true);
      }
      expect(readdirSync(join(out(), `epoch-${epoch}`)).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
    }
    const manifest = JSON.parse(readFileSync(join(out(), 'export.json'), 'utf8')) as Record<string, unknown>;
    expect(manifest).toMatchObject({ campaignId: 'c', epoch: 3, seed: 7, codeVersion: 'test', kind: 'adapters', dtype: 'float32', base: { name: 'model' } });
    expect((manifest['adapters'] as { epoch: number; lineage: object }[]).map(({ epoch, lineage }) => [epoch, Object.keys(lineage).sort()])).toEqual([
      [1, ['codeVersion', 'inputs', 'seed', 'settings']],
      [3, ['codeVersion', 'inputs', 'seed', 'settings']],
    ]);
    const readme = readFileSync(join(out(), 'README.md'), 'utf8');
    expect(readme).toContain('for adapter in ["epoch-1", "epoch-3"]:');
    expect(`${readme}${JSON.stringify(manifest)}`).not.toContain(made.directory);
    expect(readdirSync(join(made.directory, 'exports'))).toEqual(['policy']);
  });

  it('of an earlier epoch stops there, and an epoch that kept nothing is the one before', async () => {
    await exported(out(), 2);
    expect(readdirSync(out()).sort()).toEqual(['README.md', 'epoch-1', 'export.json']);
  });

  it('has the same bytes again, and is left alone where it is already', async () => {
    await exported(out(), 3);
    const other = join(made.directory, 'other');
    mkdirSync(other);
    expect(await exported(other, 3)).toBe(false);
    for (const name of ['README.md', 'export.json']) expect(readFileSync(join(other, name))).toEqual(readFileSync(join(out(), name)));
    expect(await exported(other, 3)).toBe(true);
  });

  it('refuses a directory that holds anything else', async () => {
    const refused = async (prepare: () => void, got: string): Promise<void> => {
      rmSync(out(), { recursive: true, force: true });
      await exported(out(), 3);
      prepare();
      const before = readdirSync(out(), { recursive: true }).sort();
      await expect(exported(out(), 3)).rejects.toThrow(new BadInputError({ where: `--out ${out()}`, expected: 'a new or empty directory, or this very export', got }));
      expect(readdirSync(out(), { recursive: true }).sort()).toEqual(before);
    };
    await refused(() => rmSync(join(out(), 'export.json')), 'one with README.md');
    await refused(() => writeFileSync(join(out(), 'export.json'), '{"a": '), 'one whose export.json is no export\'s');
    await refused(() => writeFileSync(join(out(), 'export.json'), 'null'), 'one whose export.json is no export\'s');
    await refused(() => writeFileSync(join(out(), 'notes.txt'), 'mine'), 'this export with another notes.txt');
    await refused(() => writeFileSync(join(out(), 'epoch-1', 'adapter_model.safetensors'), 'x'), 'this export with another epoch-1/adapter_model.safetensors');
    await refused(() => rmSync(join(out(), 'README.md')), 'this export with another README.md');
    const earlier = join(made.directory, 'earlier');
    await exported(earlier, 1);
    await refused(() => {
      rmSync(out(), { recursive: true });
      cpSync(earlier, out(), { recursive: true });
    }, 'another export');
  });

  it('leaves nothing behind when an artifact is damaged', async () => {
    const { files } = await made.store.readManifest(manifestKeys.policy('c', 3));
    await made.store.remove(artifactKey(files['adapter_model.safetensors']!));
    await expect(exported(out(), 3)).rejects.toThrow('is not in memory');
    expect(readdirSync(join(made.directory, 'exports'))).toEqual([]);
  });
});

it.each(['../../escaped', '/escaped', '..', 'a/../../../escaped', 'a\\b'])('writes nothing outside its directory for a manifest that names %s', async (name) => {
  const key = manifestKeys.policy('c', 1);
  const manifest = await made.store.readManifest(key);
  await made.store.remove(key);
  await made.store.publish(key, { ...manifest, files: { ...manifest.files, [name]: Object.values(manifest.files)[0]! } });
  const before = readdirSync(made.directory, { recursive: true, encoding: 'utf8' }).sort();
  await expect(exported(out(), 1)).rejects.toThrow(`expected a plain name, got ${JSON.stringify(name)}`);
  expect(readdirSync(made.directory, { recursive: true, encoding: 'utf8' }).filter((file) => file !== 'exports').sort()).toEqual(before);
});

describe('a merged export', () => {
  it('is what the merge made of the adapters in order, with its lineage beside it', async () => {
    const merged: string[][] = [];
    const merge: Merge = (adapterDirectories, outDirectory) => {
      merged.push(adapterDirectories.map((directory) => readFileSync(join(directory, 'adapter_model.safetensors'), 'utf8')));
      mkdirSync(outDirectory, { recursive: true });
      writeFileSync(join(outDirectory, 'model.safetensors'), 'merged');
      return Promise.resolve();
    };
    expect(await exported(out(), 3, merge)).toBe(false);
    expect(readdirSync(out()).sort()).toEqual(['README.md', 'export.json', 'model.safetensors']);
    const weights = await Promise.all(
      [1, 3].map(async (epoch) => Buffer.from(await made.store.get((await made.store.readManifest(manifestKeys.policy('c', epoch))).files['adapter_model.safetensors']!)).toString()),
    );
    expect(merged).toEqual([weights]);
    expect(await exported(out(), 3, merge)).toBe(true);
    expect(merged).toHaveLength(1);
    await expect(exported(out(), 3)).rejects.toThrow('got another export');
  });
});

describe('the policy of an epoch', () => {
  it('that the campaign does not have, or has not reached, is refused by name', async () => {
    await expect(findPolicy(made.store, 'c', 4)).rejects.toThrow('--epoch: expected 1 to 3, the campaign\'s epochs, got 4');
    await made.store.remove(manifestKeys.policy('c', 3));
    await made.store.remove(manifestKeys.policyTraining('c', 3));
    await expect(findPolicy(made.store, 'c', 3)).rejects.toThrow('--epoch: expected an epoch that has ended (1 to 2: later M-steps have not ended), got 3');
    await made.store.remove(manifestKeys.policy('c', 1));
    await expect(findPolicy(made.store, 'c', 1)).rejects.toThrow('the M-step of epoch 1 has not ended yet');
  });

  it('of an unknown campaign is refused by name', async () => {
    await expect(findPolicy(made.store, 'nobody', 1)).rejects.toThrow('campaign id: expected one that memory holds (see seal list), got "nobody"');
  });
});

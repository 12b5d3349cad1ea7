import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DefaultLogger } from '@temporalio/worker';
import { MockActivityEnvironment } from '@temporalio/testing';
import { manifestSha256 } from '../../record/document-type';
import { manifestKeys } from '../../record/keys';
import { type ActivityFixture, removedFixtures } from './activity-fixture';
import { DirectoryCache } from '../../storage/directory-cache';
import { storedSelection } from './stored-selection';

const fixture = removedFixtures();

type Campaign = Awaited<ReturnType<ActivityFixture['pin']>>;

const policy = manifestKeys.policy('c', 1);

/** A campaign with the policy of its first epoch. */
async function trained(made: ActivityFixture): Promise<Campaign> {
  const campaign = await made.pin('c');
  const { rows } = await made.proposed(campaign);
  if (rows.kind !== 'proposals') throw new Error('expected proposals');
  await made.run('trainPolicy', await storedSelection(made.store, { campaign, epoch: 1, proposals: rows.proposals, kept: [1, 2] }));
  return campaign;
}

/** Policies of so many epochs, each trained from the one before. @returns their keys */
async function trainedChain(made: ActivityFixture, epochs: number): Promise<{ campaign: Campaign; policies: string[] }> {
  const campaign = await made.pin('c', { epochs });
  const policies: string[] = [];
  for (let epoch = 1; epoch <= epochs; epoch += 1) {
    const parent = policies.at(-1) ?? null;
    const task = { campaign, scope: `epoch-${epoch}`, split: 'train' as const, policy: parent, source: 'recorded' as const, perContext: 2, contextsPerChunk: 3 };
    await made.run('proposeSelfEdits', { ...task, chunk: 1 });
    const { proposals } = await made.run('collectProposals', task);
    const trained = await made.run('trainPolicy', await storedSelection(made.store, { campaign, epoch, policy: parent, proposals, kept: [epoch] }));
    policies.push(trained.policy!);
  }
  return { campaign, policies };
}

/** Lets a policy answer. @returns the hash of the merged weights that were read */
async function mergedHash(made: ActivityFixture, campaign: Campaign, key: string, method: string): Promise<string | undefined> {
  await made.run('evaluateBase', { campaign, scope: `evaluation/${method}`, split: 'heldOut', policy: key, contextsPerChunk: 16, chunk: 1 });
  return (await made.store.readManifest(manifestKeys.unadapted('c', `evaluation/${method}`, 1))).lineage.inputs['merged'];
}

function mergedPolicies(made: ActivityFixture): string[] {
  const directory = join(made.directory, 'cache', 'policies');
  return existsSync(directory) ? readdirSync(directory).filter((name) => !name.includes('.')) : [];
}

/** The second epoch's first self-edits, by the policy of the first. */
function propose(made: ActivityFixture, campaign: Campaign, environment?: MockActivityEnvironment): Promise<unknown> {
  return made.run('proposeSelfEdits', { campaign, scope: 'epoch-2', split: 'train', policy, source: 'policy', perContext: 2, contextsPerChunk: 2, chunk: 1 }, environment);
}

function onlyPolicy(made: ActivityFixture): string {
  const policies = join(made.directory, 'cache', 'policies');
  const [name] = readdirSync(policies);
  return join(policies, name!);
}

test('a merged policy whose bytes have changed on this machine is merged again, and the log says so', async () => {
  const [before, after] = [fixture(), fixture()];
  await propose(before, await trained(before));
  const whole = readFileSync(join(onlyPolicy(before), 'model.safetensors'), 'utf8');

  // Another process on the machine, in which nothing has been looked at yet.
  const campaign = await trained(after);
  renameSync(join(before.directory, 'cache', 'policies'), join(after.directory, 'cache', 'policies'));
  const weights = join(onlyPolicy(after), 'model.safetensors');
  writeFileSync(weights, `${whole.slice(0, -1)}${whole.endsWith('0') ? '1' : '0'}`);
  const warnings: string[] = [];
  await propose(after, campaign, new MockActivityEnvironment({}, { logger: new DefaultLogger('WARN', ({ message }) => warnings.push(message)) }));
  expect(readFileSync(weights, 'utf8')).toBe(whole);
  expect(warnings).toEqual([expect.stringMatching(/^a merged policy on this machine is damaged and merged again: .*: model\.safetensors: expected sha256 [0-9a-f]{64}, got [0-9a-f]{64}$/)]);
});

test('everything made from a merged policy names the weights that were read', async () => {
  const made = fixture();
  const campaign = await trained(made);
  await propose(made, campaign);
  const base = { campaign, scope: 'evaluation/seal-epoch-1', split: 'heldOut' as const, policy };
  await made.run('evaluateBase', { ...base, contextsPerChunk: 16, chunk: 1 });
  const task = { scope: { ...base, rows: { kind: 'baseline' as const, name: 'passage-only' }, perContext: 1 }, group: { from: 0, to: 2 }, repeat: 1, repeats: 1 };
  await made.run('fineTuneAdapters', task);
  await made.run('evaluateAdapters', task);
  for (const chunk of [1, 2]) await made.run('proposeSelfEdits', { ...base, scope: 'epoch-2', split: 'train', source: 'policy', perContext: 2, contextsPerChunk: 2, chunk });
  const { proposals } = await made.run('collectProposals', { ...base, scope: 'epoch-2', split: 'train', source: 'policy', perContext: 2, contextsPerChunk: 2 });
  await made.run('trainPolicy', await storedSelection(made.store, { campaign, epoch: 2, policy, proposals, kept: [0] }));

  const named = new Map<string, string | undefined>();
  for (const key of await made.store.list('campaigns/c/')) {
    const { kind, lineage } = await made.store.readManifest(key);
    if (lineage.inputs[policy] !== undefined) named.set(kind, lineage.inputs['merged']);
  }
  expect([...named.keys()].sort()).toEqual(['adapter', 'evaluation', 'policy', 'proposals-chunk', 'unadapted']);
  expect(new Set(named.values())).toEqual(new Set([expect.stringMatching(/^[0-9a-f]{64}$/)]));
  expect(existsSync(onlyPolicy(made))).toBe(true);
});

test('a merged policy stays as long as something is computed with it, and one that was evicted is merged again', async () => {
  const made = fixture();
  const campaign = await trained(made);
  const cache = new DirectoryCache(join(made.directory, 'cache'));
  const name = (): string => `policies/${readdirSync(join(made.directory, 'cache', 'policies')).find((found) => !found.includes('.'))}`;
  const evicted: boolean[] = [];
  made.controls.onGenerate = async () => void evicted.push(await cache.evict(name()));
  await propose(made, campaign);
  expect(evicted).toEqual([false]);

  const before = readFileSync(join(onlyPolicy(made), 'model.safetensors'), 'utf8');
  expect(await cache.evict(name())).toBe(true);
  await made.run('evaluateBase', { campaign, scope: 'evaluation/seal-epoch-1', split: 'heldOut', policy, contextsPerChunk: 16, chunk: 1 });
  expect(readFileSync(join(onlyPolicy(made), 'model.safetensors'), 'utf8')).toBe(before);
});

test('policies and adapters take no more of this machine than they are given, the superseded policy leaves first', async () => {
  // Room for one policy and its adapters.
  const made = fixture(undefined, undefined, { cacheBytes: 300 });
  const campaign = await trained(made);
  await propose(made, campaign);
  const first = onlyPolicy(made);
  const [adapter] = readdirSync(join(made.directory, 'cache', 'adapters'));
  const base = { campaign, scope: 'epoch-2', split: 'train' as const };
  await made.run('proposeSelfEdits', { ...base, policy, source: 'policy', perContext: 2, contextsPerChunk: 2, chunk: 2 });
  const { proposals } = await made.run('collectProposals', { ...base, policy, source: 'policy', perContext: 2, contextsPerChunk: 2 });
  const second = await made.run('trainPolicy', await storedSelection(made.store, { campaign, epoch: 2, policy, proposals, kept: [0] }));
  await made.run('evaluateBase', { campaign, scope: 'evaluation/seal-epoch-2', split: 'heldOut', policy: second.policy, contextsPerChunk: 16, chunk: 1 });
  expect(existsSync(first)).toBe(false);
  expect(readdirSync(join(made.directory, 'cache', 'adapters'))).toContain(adapter);
  expect(existsSync(onlyPolicy(made))).toBe(true);
});

test('an adapter is read where it was made, is not evicted while it is read, and leaves once it is evaluated', async () => {
  const made = fixture();
  const campaign = await made.pin('c');
  const scope = await made.proposed(campaign);
  const task = { scope, group: { from: 0, to: 4 }, repeat: 1, repeats: 1 };
  await made.run('fineTuneAdapters', task);
  const cache = new DirectoryCache(join(made.directory, 'cache'));
  const adapters = (): string[] => readdirSync(join(made.directory, 'cache', 'adapters')).filter((name) => !name.includes('.'));
  expect(adapters()).toHaveLength(4);
  const left: number[] = [];
  made.controls.onGenerate = async () => {
    await cache.evictUnread();
    left.push(adapters().length);
  };
  await made.run('evaluateAdapters', task);
  expect(left).toEqual([4]);
  expect(adapters()).toEqual([]);
});

describe('a policy of three epochs', () => {
  test('merged from the nearest ancestor at hand has the weights of one merged from the base at once', async () => {
    const first = fixture();
    const { campaign, policies } = await trainedChain(first, 3);
    const { directory } = (await first.input('c')).model;
    const hashes = new Set<string | undefined>();
    for (const atHand of [2, 1, 0]) {
      // A worker that had merged both ancestors, and has lost the later ones since.
      const made = fixture(first.store);
      const ancestors: string[] = [];
      for (const [i, key] of policies.slice(0, 2).entries()) {
        await mergedHash(made, campaign, key, `ancestor-${i + 1}-of-${atHand}`);
        ancestors.push(mergedPolicies(made).find((name) => !ancestors.includes(name))!);
      }
      const cache = new DirectoryCache(join(made.directory, 'cache'));
      for (const name of ancestors.slice(atHand)) expect(await cache.evict(`policies/${name}`)).toBe(true);
      hashes.add(await mergedHash(made, campaign, policies[2]!, `third-of-${atHand}`));
      const { modelDirectory, adapterDirectories } = made.controls.merges.at(-1)!;
      expect(modelDirectory).toBe(atHand === 0 ? directory : join(made.directory, 'cache', 'policies', ancestors[atHand - 1]!));
      expect(adapterDirectories).toHaveLength(3 - atHand);
    }
    expect([...hashes]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)]);
  });

  test('is refused where the manifest of an ancestor is not the one that it was trained from', async () => {
    const first = fixture();
    const { campaign, policies } = await trainedChain(first, 3);
    const [key] = policies as [string];
    const manifest = await first.store.readManifest(key);
    await first.store.remove(key);
    await first.store.publish(key, { ...manifest, lineage: { ...manifest.lineage, codeVersion: 'other' } });
    const made = fixture(first.store);
    await expect(mergedHash(made, campaign, policies[2]!, 'third')).rejects.toMatchObject({
      type: 'ArtifactCorruptError',
      message: `${key}: sha256 ${manifestSha256(await first.store.readManifest(key))}, where ${manifestSha256(manifest)} was trained from`,
    });
    expect(made.controls.merges).toEqual([]);
    // The other policy itself is one that can be used.
    expect(await mergedHash(made, campaign, key, 'first')).toMatch(/^[0-9a-f]{64}$/);
  });
});

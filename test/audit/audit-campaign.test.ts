import { setTimeout as sleep } from 'node:timers/promises';
import type { PayloadCodec } from '@temporalio/common';
import type { temporal as proto } from '@temporalio/proto';
import { decodeHistory, encodeHistory } from '../../activities/stored/history-bytes';
import { Findings } from '../../audit/findings';
import { HistoryChangedError, type HistorySource } from '../../audit/history-source';
import { walkHistories } from '../../audit/walk-histories';
import { type Manifest, manifestSchema } from '../../campaign/artifacts';
import type { Passage } from '../../seal/domains/knowledge/passage';
import { selectionFile } from '../../record/documents/epochs';
import { type CampaignReport, reportFile } from '../../record/documents/report';
import { keyPrefixes, manifestKeys } from '../../record/keys';
import { contextId } from '../../seal/ids';
import { repeatSeed } from '../../seal/algorithm/seeds';
import { canonicalJson } from '../../storage/canonical-json';
import { ContentAddressedStore } from '../../storage/content-addressed-store';
import type { MemoryObjectClient } from '../../storage/memory-store';
import { contexts } from '../activities/activity-fixture';
import { bytesOf, CAMPAIGN, flipByte, RecordedCampaign, write } from './recorded-campaign';

jest.setTimeout(300_000);

const [{ title, context }] = contexts('ship', 1) as [Passage];
const DIVERGED = contextId(title, context);

let recorded: RecordedCampaign;
beforeAll(async () => {
  // A held-out training of each method diverges.
  recorded = await RecordedCampaign.run({ diverging: [repeatSeed(7, 'held-out', DIVERGED, 1, 1)] });
});
afterAll(() => recorded.stop());

async function keysOf(objects: MemoryObjectClient, end: string): Promise<string[]> {
  return (await objects.list(`campaigns/${CAMPAIGN}/`)).map(({ key }) => key).filter((key) => key.endsWith(end));
}

async function manifestAt(objects: MemoryObjectClient, key: string): Promise<Manifest> {
  return manifestSchema.parse(JSON.parse((await bytesOf(objects, key)).toString()));
}

/** Writes a manifest as a careful forger would: in the store's own form. */
async function forge(objects: MemoryObjectClient, key: string, change: (manifest: Manifest) => Manifest): Promise<void> {
  await write(objects, key, Buffer.from(canonicalJson(change(await manifestAt(objects, key)))));
}

async function removeDigests(objects: MemoryObjectClient): Promise<void> {
  for (const { key } of await objects.list(keyPrefixes.digests(CAMPAIGN))) await objects.remove(key);
}

/** The server's histories, one of them changed. */
function changedHistories(workflowId: string, change: (history: proto.api.history.v1.IHistory) => void): HistorySource {
  return {
    known: () => recorded.server.known(),
    wasGone: () => false,
    find: async (run) => {
      const found = await recorded.server.find(run);
      if (found === null || run.workflowId !== workflowId) return found;
      const history = decodeHistory(found.bytes);
      change(history);
      return { ...found, bytes: encodeHistory(history) };
    },
  };
}

test('an untouched record has no break', async () => {
  const result = await recorded.audit(recorded.objects);
  expect(result.breaks).toEqual([]);
  expect(result.unchecked).toEqual([]);
  expect(result.artifacts).toBeGreaterThan(20);
  expect(result.histories).toBeGreaterThan(9);
  expect(result.actions).toEqual([
    { update: 'pause', by: 'anna', why: 'the room is needed', at: expect.any(String) },
    { update: 'resume', by: 'anna', why: 'the room is free', at: expect.any(String) },
  ]);
});

test('a held-out training that diverged counts in its method, in report and record alike', async () => {
  const report = await manifestAt(recorded.objects, manifestKeys.report(CAMPAIGN));
  const { methods } = JSON.parse((await bytesOf(recorded.objects, `sha256/${report.files['report.json']!.sha256}`)).toString()) as CampaignReport;
  expect(methods.map(({ name, n, runs, rejected, diverged }) => [name, n, runs, rejected, diverged])).toEqual([
    ['base', 2, 2, 0, 0],
    ['passage-only', 2, 2, 0, 1],
    // Held-out seeds are the same for every method.
    ['seal-epoch-1', 2, 2, 0, 1],
  ]);
  const objects = await recorded.copy();
  await removeDigests(objects);
  const key = manifestKeys.evaluation(CAMPAIGN, 'evaluation/passage-only', DIVERGED, 1, 1);
  await forge(objects, key, (manifest) => ({ ...manifest, summary: { ...manifest.summary, unadapted: 'rejected' } }));
  const { breaks } = await recorded.auditRecord(objects);
  expect(breaks).toContainEqual(expect.objectContaining({ kind: 'reward', what: `${key}: steps and tokens`, expected: expect.stringContaining('diverged') as string }));
  expect(breaks).toContainEqual(expect.objectContaining({ kind: 'method', what: `${manifestKeys.method(CAMPAIGN, 'passage-only')}: runs.json` }));
});

test('one byte changed in an adapter is found and named', async () => {
  const objects = await recorded.copy();
  const [key] = await keysOf(objects, '/r1/adapter.json');
  const { sha256 } = (await manifestAt(objects, key!)).files['adapter_model.safetensors']!;
  await flipByte(objects, `sha256/${sha256}`);
  const { breaks } = await recorded.audit(objects);
  expect(breaks).toEqual([{ kind: 'artifact-changed', what: `${key}: adapter_model.safetensors`, expected: `sha256 ${sha256}`, got: expect.stringMatching(/^sha256 [0-9a-f]{64}$/) }]);
});

describe('merged weights of a policy', () => {
  const policy = manifestKeys.policy(CAMPAIGN, 1);
  const other = 'f'.repeat(64);

  async function madeFromIt(objects: MemoryObjectClient): Promise<string[]> {
    const keys = [];
    for (const key of await keysOf(objects, '.json')) if ((await manifestAt(objects, key)).lineage.inputs[policy] !== undefined) keys.push(key);
    return keys;
  }

  const naming = (merged: string, compute: Record<string, unknown> = {}) => (manifest: Manifest): Manifest => ({
    ...manifest,
    lineage: {
      ...manifest.lineage,
      inputs: { ...manifest.lineage.inputs, merged },
      settings: { ...manifest.lineage.settings, compute: { ...(manifest.lineage.settings['compute'] as object), ...compute } },
    },
  });

  const aboutMerged = (breaks: readonly { readonly what: string }[]) => breaks.filter(({ what }) => what.includes('merged'));

  test('that two artifacts made from it name differently are a break', async () => {
    const objects = await recorded.copy();
    await removeDigests(objects);
    const keys = await madeFromIt(objects);
    expect(keys.length).toBeGreaterThan(2);
    const { merged } = (await manifestAt(objects, keys[0]!)).lineage.inputs;
    await forge(objects, keys[1]!, naming(other));
    const what = `merged weights of ${policy}`;
    const [expected, got] = [`sha256 ${merged}, as ${keys[0]} names them and ${keys.length - 2} more`, `sha256 ${other}, as ${keys[1]} names them`];
    expect(aboutMerged((await recorded.auditRecord(objects)).breaks)).toEqual([{ kind: 'lineage', what, expected, got }]);
  });

  test('that machines of two kinds, or two versions of the code, have merged to other bits are no break, and are told', async () => {
    for (const compute of [{ instructionSet: 'avx2', cores: 2, threads: null, onnxruntime: '1' }, { codeVersion: 'later' }]) {
      const objects = await recorded.copy();
      await removeDigests(objects);
      const [key] = await madeFromIt(objects);
      await forge(objects, key!, naming(other, compute));
      const { breaks, unchecked } = await recorded.auditRecord(objects);
      expect(aboutMerged(breaks)).toEqual([]);
      expect(unchecked).toContainEqual(`whether the merged weights of ${policy} are right: 2 kinds of machine or versions of the code have merged it to different bits, as they may`);
    }
  });

  test('that an artifact made from it does not name are a break', async () => {
    const objects = await recorded.copy();
    await removeDigests(objects);
    const [key] = await madeFromIt(objects);
    await forge(objects, key!, (manifest) => {
      const { merged: _merged, ...inputs } = manifest.lineage.inputs;
      return { ...manifest, lineage: { ...manifest.lineage, inputs } };
    });
    expect(aboutMerged((await recorded.auditRecord(objects)).breaks)).toEqual([expect.objectContaining({ kind: 'lineage', what: `${key}: merged`, got: 'nothing' })]);
  });
});

test('an artifact that is gone is named', async () => {
  const objects = await recorded.copy();
  const key = manifestKeys.policy(CAMPAIGN, 1);
  const { sha256 } = (await manifestAt(objects, key)).files['adapter_model.safetensors']!;
  await objects.remove(`sha256/${sha256}`);
  expect((await recorded.audit(objects)).breaks).toContainEqual({ kind: 'artifact-missing', what: `${key}: adapter_model.safetensors`, expected: `sha256 ${sha256}`, got: 'nothing in memory' });
});

test('one byte changed in any manifest is found and named, whichever byte it is', async () => {
  const objects = await recorded.copy();
  const keys = await keysOf(objects, '.json');
  expect(keys.length).toBeGreaterThan(30);
  for (const [i, key] of keys.entries()) {
    const whole = await bytesOf(objects, key);
    await flipByte(objects, key, (i * 7919) % whole.length);
    const { breaks } = await recorded.auditRecord(objects);
    expect(breaks.map(({ what }) => what)).toContainEqual(expect.stringContaining(key));
    await write(objects, key, whole);
  }
});

test('a manifest that is gone is named', async () => {
  const objects = await recorded.copy();
  const key = manifestKeys.method(CAMPAIGN, 'base');
  await objects.remove(key);
  expect((await recorded.auditRecord(objects)).breaks).toContainEqual(expect.objectContaining({ kind: 'manifest-missing', what: key }));
});

test('two manifests that changed places are named, without their digest as well', async () => {
  const objects = await recorded.copy();
  await removeDigests(objects);
  for (const end of ['/r1/adapter.json', '/r1/evaluation.json', '/candidate.json']) {
    const [a, b] = (await keysOf(objects, end)).filter((key) => key.includes('/epoch-1/'));
    const [ofA, ofB] = [await bytesOf(objects, a!), await bytesOf(objects, b!)];
    await write(objects, a!, ofB);
    await write(objects, b!, ofA);
    const named = (await recorded.auditRecord(objects)).breaks.map(({ what }) => what);
    for (const key of [a, b]) expect(named).toContainEqual(expect.stringContaining(key!));
    await write(objects, a!, ofA);
    await write(objects, b!, ofB);
  }
});

test('a forged reward is found by the answers, by the candidate, by selection and by the history, digest or no digest', async () => {
  const objects = await recorded.copy();
  await removeDigests(objects);
  const [key] = (await keysOf(objects, '/r1/evaluation.json')).filter((one) => one.includes('/epoch-1/'));
  const candidate = key!.replace('/r1/evaluation.json', '/candidate.json');
  const { reward } = (await manifestAt(objects, key!)).summary as { reward: number };
  const forged = reward === 1 ? 0.75 : 1;
  await forge(objects, key!, (manifest) => ({ ...manifest, summary: { ...manifest.summary, reward: forged } }));
  await forge(objects, candidate, (manifest) => ({ ...manifest, summary: { ...manifest.summary, reward: forged, repeatRewards: [forged] } }));
  const { breaks } = await recorded.audit(objects);
  expect(breaks).toContainEqual({ kind: 'reward', what: `${key}: reward`, expected: String(reward), got: String(forged) });
  expect(breaks).toContainEqual(expect.objectContaining({ kind: 'manifest-changed', what: key }));
  expect(breaks).toContainEqual(expect.objectContaining({ kind: 'selection', what: expect.stringContaining(candidate.split('/').slice(3, 5).join('/')) }));
  expect(breaks).toContainEqual(expect.objectContaining({ kind: 'history-disagrees', what: expect.stringContaining(candidate) }));
});

test('a document of another shape is named, and the audit goes on', async () => {
  const objects = await recorded.copy();
  await removeDigests(objects);
  const store = new ContentAddressedStore(objects);
  const [evaluation] = (await keysOf(objects, '/r1/evaluation.json')).filter((one) => one.includes('/epoch-1/'));
  const [selection, proposals] = [manifestKeys.selection(CAMPAIGN, 1), manifestKeys.proposals(CAMPAIGN, 'epoch-1')];
  await forge(objects, evaluation!, (manifest) => ({ ...manifest, summary: { ...manifest.summary, score: 'good' } }));
  const list = await store.put(Buffer.from('{"kept":"all"}'), 'application/json');
  await forge(objects, selection, (manifest) => ({ ...manifest, files: { [selectionFile.name]: list } }));
  await forge(objects, proposals, (manifest) => ({ ...manifest, files: {} }));
  await write(objects, `campaigns/${CAMPAIGN}/epoch-1/unheard-of.json`, await bytesOf(objects, manifestKeys.method(CAMPAIGN, 'base')));
  const { breaks } = await recorded.auditRecord(objects);
  const named = breaks.filter(({ kind }) => kind === 'schema').map(({ what, got }) => [what, got]);
  expect(named).toEqual(
    expect.arrayContaining([
      [evaluation, expect.stringContaining('score')],
      [`${selection}: selection.json`, expect.stringContaining('outcomes')],
      [proposals, 'names no proposals.json'],
      [`campaigns/${CAMPAIGN}/epoch-1/unheard-of.json`, 'a key of no kind of document'],
    ]),
  );
  expect(named).toHaveLength(4);
});

test('a forged selection is found', async () => {
  const objects = await recorded.copy();
  await removeDigests(objects);
  const store = new ContentAddressedStore(objects);
  const key = manifestKeys.selection(CAMPAIGN, 1);
  const { files } = await manifestAt(objects, key);
  const selection = await selectionFile.get(store, files['selection.json']!);
  const forged = await selectionFile.put(store, { ...selection, kept: selection.kept.slice(1) });
  await forge(objects, key, (manifest) => ({ ...manifest, files: { 'selection.json': forged } }));
  const { breaks } = await recorded.auditRecord(objects);
  expect(breaks).toContainEqual(expect.objectContaining({ kind: 'selection', what: `${key}: kept` }));
  expect(breaks).toContainEqual(expect.objectContaining({ kind: 'selection', what: expect.stringContaining('policy-training.json: rows.json') }));
});

test('proposals that do not resolve are one break, not one for each of what was made from them', async () => {
  const [selection, proposals] = [manifestKeys.selection(CAMPAIGN, 1), manifestKeys.proposals(CAMPAIGN, 'epoch-1')];
  const changed = (sha256: string): string => `${sha256.slice(0, -1)}${sha256.endsWith('0') ? '1' : '0'}`;
  const lineage = async (objects: MemoryObjectClient): Promise<{ readonly told: string[]; readonly unchecked: readonly string[] }> => {
    const { breaks, unchecked } = await recorded.auditRecord(objects);
    return { told: breaks.filter(({ kind }) => kind === 'lineage' || kind === 'selection').map(({ what }) => what), unchecked };
  };

  const named = await recorded.copy();
  await forge(named, selection, ({ lineage: { inputs, ...rest }, ...manifest }) => ({ ...manifest, lineage: { ...rest, inputs: { ...inputs, proposals: changed(inputs['proposals']!) } } }));
  const { told, unchecked } = await lineage(named);
  expect(told).toEqual([`${selection}: proposals`]);
  expect(unchecked).toContainEqual(expect.stringContaining(`rows of ${selection}`));

  const unnamed = await recorded.copy();
  await forge(unnamed, selection, ({ lineage: { inputs: _inputs, ...rest }, ...manifest }) => ({ ...manifest, lineage: { ...rest, inputs: {} } }));
  expect((await lineage(unnamed)).told).toEqual([`${selection}: proposals`]);

  const own = await recorded.copy();
  await forge(own, proposals, ({ files, ...manifest }) => ({ ...manifest, files: Object.fromEntries(Object.entries(files).map(([name, ref]) => [name, { ...ref, sha256: changed(ref.sha256) }])) }));
  expect((await lineage(own)).told).toEqual([expect.stringMatching(/^campaigns\/audited\/epoch-1\/.*: proposals$/)]);

  const gone = await recorded.copy();
  await gone.remove(proposals);
  expect((await lineage(gone)).told).toEqual([expect.stringMatching(/^campaigns\/audited\/epoch-1\/.*: proposals$/)]);
});

test('a forged score of a method is found by its evaluations, the report and the history', async () => {
  const objects = await recorded.copy();
  await removeDigests(objects);
  const key = manifestKeys.method(CAMPAIGN, 'seal-epoch-1');
  await forge(objects, key, (manifest) => ({ ...manifest, summary: { ...manifest.summary, score: 0.99 } }));
  const { breaks } = await recorded.audit(objects);
  expect(breaks).toContainEqual(expect.objectContaining({ kind: 'method', what: `${key}: summary` }));
  expect(breaks).toContainEqual(expect.objectContaining({ kind: 'history-disagrees', what: expect.stringContaining('method seal-epoch-1') }));
});

test('a report that counts another number of cut-off self-edits than were proposed is found', async () => {
  const objects = await recorded.copy();
  await removeDigests(objects);
  const store = new ContentAddressedStore(objects);
  const key = manifestKeys.report(CAMPAIGN);
  const { files } = await manifestAt(objects, key);
  const report = JSON.parse(Buffer.from(await store.get(files['report.json']!)).toString()) as CampaignReport;
  expect(report.epochs.map(({ cutOff }) => cutOff)).toEqual([0]);
  const forged = await reportFile.put(store, { ...report, epochs: report.epochs.map((epoch) => ({ ...epoch, cutOff: 3 })) });
  await forge(objects, key, (manifest) => ({ ...manifest, files: { ...files, 'report.json': forged } }));
  const { breaks } = await recorded.auditRecord(objects);
  expect(breaks).toContainEqual({ kind: 'report', what: `${key}: epoch 1: cutOff`, expected: '0', got: '3' });
});

test('one byte changed in an archived history is found and named', async () => {
  const objects = await recorded.copy();
  const name = new RegExp(`^${CAMPAIGN}~epoch-1~.*~c1\\.`);
  const pages = await Promise.all((await objects.list(keyPrefixes.histories(CAMPAIGN))).map(async ({ key }) => ({ key, ...(await manifestAt(objects, key)) })));
  const found = pages.flatMap(({ key, files }) => Object.entries(files).flatMap(([file, { sha256 }]) => (name.test(file) ? [{ what: `${key}: ${file}`, sha256 }] : [])));
  const [{ what, sha256 }] = found as [{ what: string; sha256: string }];
  await flipByte(objects, `sha256/${sha256}`);
  const { breaks } = await recorded.audit(objects);
  expect(breaks).toEqual([{ kind: 'history-changed', what, expected: `sha256 ${sha256}`, got: expect.stringMatching(/^sha256 /) }]);
});

test('a history that today\'s code would not make is named', async () => {
  const workflowId = `${CAMPAIGN}/epoch-1`;
  const source = changedHistories(workflowId, ({ events }) => {
    const scheduled = events!.find((event) => event.activityTaskScheduledEventAttributes)!.activityTaskScheduledEventAttributes!;
    scheduled.activityType!.name = 'writeReport';
  });
  const { breaks } = await recorded.audit(await recorded.copy(), () => source);
  expect(breaks).toContainEqual(expect.objectContaining({ kind: 'history-replay', what: expect.stringContaining(`history of ${workflowId},`) }));
});

test('an action without who and why is named', async () => {
  const source = changedHistories(CAMPAIGN, ({ events }) => {
    const update = events!.find((event) => event.workflowExecutionUpdateAcceptedEventAttributes)!.workflowExecutionUpdateAcceptedEventAttributes!;
    update.acceptedRequest!.input!.args!.payloads![0]!.data = Buffer.from(JSON.stringify({ by: 'anna', why: ' ' }));
  });
  const { breaks } = await recorded.audit(await recorded.copy(), () => source);
  expect(breaks).toContainEqual(expect.objectContaining({ kind: 'operator', what: expect.stringContaining(`pause of ${CAMPAIGN}`) }));
});

test('what a campaign publishes while it is audited is no break', async () => {
  const { objects, server } = await recorded.unfolding();
  const { breaks, histories, manifests } = await recorded.audit(objects, () => server);
  expect(breaks).toEqual([]);
  expect(histories).toBeGreaterThan(9);
  expect(manifests).toBe((await keysOf(recorded.objects, '.json')).length);
});

test('histories and findings come in the same order however fast each is found', async () => {
  const order = async (delayMs: (place: number) => number): Promise<{ readonly walked: string[]; readonly breaks: unknown }> => {
    let asked = 0;
    const source: HistorySource = {
      known: () => recorded.server.known(),
      wasGone: () => false,
      find: async (run) => {
        const place = (asked += 1);
        await sleep(delayMs(place));
        if (place % 4 === 3) throw new HistoryChangedError(run.workflowId, 'one hash', 'another');
        return place % 4 === 0 ? null : recorded.server.find(run);
      },
    };
    const findings = new Findings();
    const walked: string[] = [];
    for await (const { workflowId } of walkHistories(CAMPAIGN, source, findings)) walked.push(workflowId);
    return { walked, breaks: findings.breaks };
  };
  const expected = await order(() => 0);
  expect(expected.walked.length).toBeGreaterThan(1);
  expect(expected.breaks).not.toEqual([]);
  expect(await order((place) => 40 - 4 * (place % 10))).toEqual(expected);
  expect(await order((place) => (place % 2) * 20)).toEqual(expected);
});

test('a payload that its key does not open is a finding, and the rest is audited', async () => {
  const tampered = Object.assign(new Error('a payload has been changed'), { name: 'PayloadTamperedError' });
  const codec: PayloadCodec = {
    encode: (payloads) => Promise.resolve(payloads),
    decode: (payloads) => (payloads.some(({ data }) => Buffer.from(data ?? []).toString().includes('"reward":')) ? Promise.reject(tampered) : Promise.resolve(payloads)),
  };
  const { breaks, histories } = await recorded.audit(recorded.objects, undefined, { ...recorded.replaying, codecs: [codec] });
  expect(histories).toBeGreaterThan(0);
  expect(breaks.length).toBeGreaterThan(0);
  for (const one of breaks) expect(one).toMatchObject({ kind: 'history-changed', expected: 'payloads as they were encrypted', got: 'a payload has been changed' });
});

test('a history that another one names and nobody has is named', async () => {
  const workflowId = `${CAMPAIGN}/evaluation/base`;
  const without: HistorySource = { known: () => recorded.server.known(), wasGone: () => false, find: (run) => (run.workflowId === workflowId ? Promise.resolve(null) : recorded.server.find(run)) };
  const { breaks } = await recorded.audit(await recorded.copy(), () => without);
  expect(breaks).toEqual([expect.objectContaining({ kind: 'history-missing', what: expect.stringContaining(workflowId) })]);
});

test('a manifest that is gone or unreadable is named, and not once more for each that names it', async () => {
  const policy = manifestKeys.policy(CAMPAIGN, 1);
  const gone = await recorded.copy();
  await gone.remove(policy);
  const missing = (await recorded.auditRecord(gone)).breaks.filter(({ what }) => what === policy);
  expect(missing).toEqual([expect.objectContaining({ kind: 'manifest-missing' }), expect.objectContaining({ kind: 'manifest-missing' })]);
  const unreadable = await recorded.copy();
  const campaign = manifestKeys.campaign(CAMPAIGN);
  await write(unreadable, campaign, Buffer.concat([await bytesOf(unreadable, campaign), Buffer.from(' ')]));
  const { breaks, unchecked } = await recorded.auditRecord(unreadable);
  expect(breaks.length).toBeGreaterThan(0);
  expect(breaks.filter(({ what }) => what !== campaign)).toEqual([]);
  expect(unchecked).toContainEqual(expect.stringContaining('the manifest of the campaign cannot be read'));
});

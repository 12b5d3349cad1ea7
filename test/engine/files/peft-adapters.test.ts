import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LoraSettings, ScoredRow } from '../../../campaign/language-model';
import { adaptedModules } from '../../../engine/files/adapted-modules';
import { readAdapter, writeAdapter } from '../../../engine/files/adapter';
import { mergeAdapters } from '../../../engine/files/merge';
import { projectionModule, readModelConfig } from '../../../engine/files/model-config';
import { GOLDEN, adapterGoldens, goldenAdapter, goldenModel } from '../../golden/golden-values';
import { computeFixture } from '../compute-fixture';

jest.setTimeout(120_000);

const TOLERANCE = 1e-4;
const modelDirectory = goldenModel('tied-fp32');
const config = readModelConfig(modelDirectory);

const { compute, directory } = computeFixture();

const configOf = (adapter: string): Record<string, unknown> => JSON.parse(readFileSync(join(adapter, 'adapter_config.json'), 'utf8')) as Record<string, unknown>;
const sorted = (value: unknown): unknown => (Array.isArray(value) ? [...(value as string[])].sort() : value);

function settingsOf(adapter: string): LoraSettings {
  const { matrices: _, ...settings } = readAdapter(adapter, config);
  return settings;
}

function expectClose(ours: readonly ScoredRow[] | undefined, theirs: readonly ScoredRow[]): void {
  expect(ours?.map(({ tokens }) => tokens)).toEqual(theirs.map(({ tokens }) => tokens));
  theirs.forEach(({ logprob }, i) => expect(Math.abs((ours?.[i]?.logprob as number) / logprob - 1)).toBeLessThan(TOLERANCE));
}

describe.each(adapterGoldens.adapters)('$adapter, written by PEFT', ({ adapter, modules, rows, scores, mergedScores }) => {
  const theirs = goldenAdapter(adapter);

  it('adapts the modules that PEFT adapts, with its ranks and scales', () => {
    const ours = adaptedModules(settingsOf(theirs), config);
    const named = ours.map(({ layer, projection, rank, scale }) => [projectionModule(layer, projection), { rank, scale }]);
    expect(Object.fromEntries(named)).toEqual(modules);
  });

  it('is written again bit for bit, with a configuration that says the same', () => {
    const copy = join(directory, adapter);
    writeAdapter(copy, readAdapter(theirs, config), config, { baseModel: 'random-llama' });
    expect(readFileSync(join(copy, 'adapter_model.safetensors')).equals(readFileSync(join(theirs, 'adapter_model.safetensors')))).toBe(true);
    const [written, original] = [configOf(copy), configOf(theirs)];
    expect(settingsOf(copy)).toEqual({ ...settingsOf(theirs), targets: expect.anything() as unknown });
    for (const [field, value] of Object.entries(original)) {
      // What we leave out, PEFT takes as null, nothing or its own bookkeeping.
      if (field in written) expect([field, sorted(written[field])]).toEqual([field, sorted(value)]);
      else expect([field, value]).toEqual([field, ['loftq_config', 'megatron_core', 'peft_version', 'qalora_group_size'].includes(field) ? value : value === false ? false : null]);
    }
  });

  it('scores rows as PEFT does, applied and merged', async () => {
    const { groups } = await compute.score({ modelDirectory, groups: [{ adapterDirectory: theirs, rows }] });
    expectClose(groups[0], scores);
    const merged = join(directory, `${adapter}-merged`);
    mergeAdapters(modelDirectory, [theirs], merged);
    const ofMerged = await compute.score({ modelDirectory: merged, groups: [{ adapterDirectory: null, rows }] });
    expectClose(ofMerged.groups[0], mergedScores);
  });
});

describe.each(adapterGoldens.training)('fine-tuning from $adapter', ({ adapter, rows, settings, log, finalScores }) => {
  it('takes the losses that PEFT takes, and keeps the configuration', async () => {
    const outDirectory = join(directory, `${adapter}-trained`);
    const lora = settingsOf(goldenAdapter(adapter));
    const optimiser = { ...settings, warmupSteps: 0, shuffle: false };
    const { outcomes } = await compute.fineTune({ modelDirectory, lora, jobs: [{ rows, optimiser, seed: 1, initAdapterDirectory: goldenAdapter(adapter), outDirectory }] });
    const [outcome] = outcomes;
    if (outcome?.status !== 'done') throw new Error('expected a finished training');
    outcome.log.forEach(({ loss }, step) => expect(Math.abs(loss / (log[step]?.loss as number) - 1)).toBeLessThan(TOLERANCE));
    const { groups } = await compute.score({ modelDirectory, groups: [{ adapterDirectory: outDirectory, rows }] });
    expectClose(groups[0], finalScores);
    expect(settingsOf(outDirectory)).toEqual({ ...lora, targets: expect.anything() as unknown });
  });
});

describe('adapters in one batch', () => {
  it('have scales of their own', async () => {
    const [plain] = adapterGoldens.adapters;
    if (plain === undefined) throw new Error('no golden adapter');
    const theirs = goldenAdapter(plain.adapter);
    const stronger = join(directory, 'stronger');
    writeAdapter(stronger, { ...readAdapter(theirs, config), alphaPattern: { 'layers.1.self_attn.v_proj': 40 } }, config, { baseModel: 'random-llama' });
    const groups = [theirs, stronger].map((adapterDirectory) => ({ adapterDirectory, rows: plain.rows }));
    const together = await compute.score({ modelDirectory, groups });
    const apart = await compute.score({ modelDirectory, groups: groups.slice(1) });
    expectClose(together.groups[0], plain.scores);
    expectClose(together.groups[1], apart.groups[0] ?? []);
    expect(together.groups[1]?.[0]?.logprob).not.toBeCloseTo(plain.scores[0]?.logprob as number, 1);
  });
});

test('the golden adapters have the versions that made them', () => {
  expect(JSON.parse(readFileSync(join(GOLDEN, 'adapters.json'), 'utf8'))).toMatchObject({ versions: { peft: expect.any(String) as string } });
});

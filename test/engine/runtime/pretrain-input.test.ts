import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BadInputError, NotFiniteError } from '../../../campaign/errors';
import type { PretrainModel, PretrainTraining } from '../../../campaign/pretrain-spec';
import { checkpointFileName } from '../../../engine/files/checkpoint-files';
import { openSafetensors, readTensorF32, writeSafetensors } from '../../../engine/files/safetensors';
import type { PretrainRequest } from '../../../engine/model/pretraining/pretrain';
import { type ComputeProcess, startComputeProcess } from '../../../engine/runtime/compute-client';
import { goldenModel } from '../../golden/golden-values';

jest.setTimeout(120_000);

const model: PretrainModel = { width: 8, layers: 1, heads: 2, kvHeads: 2, ffnWidth: 8, contextLength: 32, ropeTheta: 10_000, normEpsilon: 1e-5 };
const training: PretrainTraining = {
  documents: 40, rows: 1, length: 16, matrixLearningRate: 0.02, matrixMomentum: 0.95, learningRate: 3e-3, beta2: 0.95, warmupSteps: 0, decayFraction: 0.5,
};
const document = { segments: [{ text: 'a b c d', lossWeight: 1 }] };

let directory: string;
let compute: ComputeProcess;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-pretrain-'));
  mkdirSync(join(directory, 'model'));
  for (const name of ['tokenizer.json', 'tokenizer_config.json']) copyFileSync(join(goldenModel('tied-fp32'), name), join(directory, 'model', name));
  compute = startComputeProcess({ threads: 1 });
});
afterEach(async () => {
  await compute.close();
  rmSync(directory, { recursive: true });
});

function request(lines: readonly string[], over: Partial<PretrainTraining> = {}): PretrainRequest {
  const corpusFile = join(directory, 'corpus.jsonl');
  writeFileSync(corpusFile, `${lines.join('\n')}\n`);
  return { model, training: { ...training, ...over }, seed: 1, outDirectory: join(directory, 'model'), corpusFile, eosTokenId: 1, workDirectory: join(directory, 'work'), checkpointSeconds: 0 };
}

const lines = (count: number): string[] => new Array<string>(count).fill(JSON.stringify(document));

describe('a corpus that cannot be learnt from', () => {
  it.each<[what: string, lines: readonly string[], message: RegExp]>([
    ['a line that is no JSON', [JSON.stringify(document), '{'], /corpus\.jsonl:2: expected a JSON object \{"segments"/],
    ['null', ['null'], /corpus\.jsonl:1: expected a JSON object/],
    ['a weight that is a text', ['{"segments":[{"text":"a b","lossWeight":"1"}]}'], /corpus\.jsonl:1: expected a JSON object/],
    ['a weight beyond all numbers', ['{"segments":[{"text":"a b","lossWeight":1e999}]}'], /corpus\.jsonl:1: expected a JSON object/],
    ['no weight anywhere', ['{"segments":[{"text":"a b","lossWeight":0}]}'], /corpus\.jsonl: expected a loss weight above 0 in every step, got none in step 0/],
    ['documents longer than a row', [JSON.stringify({ segments: [{ text: 'a b c d '.repeat(20), lossWeight: 1 }] })], /corpus\.jsonl: expected documents of at most 16 tokens \(training\.length\), got none/],
  ])('%s', async (_what, corpus, message) => {
    const run = compute.pretrain(request(corpus));
    await expect(run).rejects.toThrow(BadInputError);
    await expect(run).rejects.toThrow(message);
    expect(existsSync(join(directory, 'model', 'model.safetensors'))).toBe(false);
  });
});

describe('a run that breaks down', () => {
  test('ends at the step whose loss is not finite, and writes no model', async () => {
    const run = compute.pretrain(request(lines(40), { matrixLearningRate: 1e38, learningRate: 1e38 }));
    await expect(run).rejects.toThrow(NotFiniteError);
    await expect(run).rejects.toThrow(/pretrain: step \d+: expected a finite loss, got (NaN|Infinity)/);
    expect(existsSync(join(directory, 'model', 'model.safetensors'))).toBe(false);
  });
});

describe('a checkpoint', () => {
  const work = (): string => join(directory, 'work');
  const files = (): string[] => (existsSync(work()) ? readdirSync(work()).filter((name) => name.startsWith('checkpoint')).sort() : []);

  /** Checkpoints as the run itself leaves them when it is stopped. */
  async function stopped(run: PretrainRequest): Promise<void> {
    const controller = new AbortController();
    const end = compute.pretrain(run, { signal: controller.signal });
    const failed = expect(end).rejects.toThrow('cancelled');
    while (files().length < 2) await sleep(20);
    controller.abort();
    await failed;
  }

  /** The newest checkpoint as somebody might have written it who knows how they are named. */
  function replaceNewest(edit: (tensors: Map<string, { shape: readonly number[]; data: Float32Array }>, metadata: Record<string, string>) => void): void {
    const name = files().at(-1) as string;
    const { tensors: entries, metadata: stored } = openSafetensors(join(work(), name));
    const tensors = new Map([...entries].map(([tensor, entry]) => [tensor, { shape: entry.shape, data: readTensorF32(entry) }]));
    const metadata = { ...stored };
    edit(tensors, metadata);
    const written = join(work(), 'written');
    writeSafetensors(written, [...tensors].map(([tensor, values]) => ({ name: tensor, dtype: 'F32', ...values })), metadata);
    rmSync(join(work(), name));
    renameSync(written, join(work(), checkpointFileName(Number(/\d+/.exec(name)?.[0]), createHash('sha256').update(readFileSync(written)).digest('hex'))));
  }

  test('is refused by name where it is another one, and gone on from where it is not', async () => {
    const run = request(lines(2000), { documents: 2000 });
    await stopped(run);
    const newest = join(work(), files().at(-1) as string);
    const name = [...openSafetensors(newest).tensors.keys()][0] as string;
    const whole = openSafetensors(newest).metadata['progress'] as string;

    replaceNewest((_tensors, metadata) => (metadata['progress'] = '{"step": 1'));
    await expect(compute.pretrain(run)).rejects.toThrow(/checkpoint-.*\.safetensors: __metadata__\.progress: expected a JSON object in UTF-8/);
    replaceNewest((_tensors, metadata) => (metadata['progress'] = '{"step": "1"}'));
    await expect(compute.pretrain(run)).rejects.toThrow(/expected the checkpoint of this very run .* got one with other settings/);
    replaceNewest((_tensors, metadata) => (metadata['progress'] = whole));
    let original = 0;
    replaceNewest((tensors) => {
      const { data } = tensors.get(name) as { data: Float32Array };
      original = data[0] as number;
      data[0] = NaN;
    });
    await expect(compute.pretrain(run)).rejects.toThrow(/checkpoint-.*\.safetensors: tensor .*: element \[0.*\]: expected a finite weight, got NaN/);
    replaceNewest((tensors) => ((tensors.get(name) as { data: Float32Array }).data[0] = original));
    expect((await compute.pretrain(run)).steps).toBeGreaterThan(10);
  });

  test('whose bytes have another hash than its name is passed over', async () => {
    const run = request(lines(2000), { documents: 2000 });
    await stopped(run);
    const [older, newest] = files().slice(-2) as [string, string];
    appendFileSync(join(work(), newest), 'x');
    const seen: number[] = [];
    await compute.pretrain(run, { onProgress: ({ done }) => seen.push(done) });
    expect(seen[0]).toBeGreaterThan(Number(/\d+/.exec(older)?.[0]));
    expect(seen[0]).toBeLessThanOrEqual(Number(/\d+/.exec(newest)?.[0]));
  });
});

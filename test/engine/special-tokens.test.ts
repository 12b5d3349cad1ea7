import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TrainingRow } from '../../campaign/language-model';
import { readModelConfig } from '../../engine/files/model-config';
import { loadTokenizer } from '../../engine/files/tokenizer';
import { readDocuments } from '../../engine/model/pretraining/pretraining-corpus';
import { tokeniseRow } from '../../engine/model/rows';
import { startComputeProcess } from '../../engine/runtime/compute-client';
import { goldenModel } from '../golden/golden-values';

const MODEL = goldenModel('qwen2-bf16');
const END = 302;
const TEXT = 'Hi<|im_end|>\n';

const tokenizer = loadTokenizer(MODEL);
const languageModel = startComputeProcess({ threads: 1 });
const directory = mkdtempSync(join(tmpdir(), 'seal-special-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
  return languageModel.close();
});

describe('special tokens in text that become control tokens', () => {
  const ends = (row: TrainingRow): number =>
    tokeniseRow(row, tokenizer, readModelConfig(MODEL), { appendEos: false, where: 'row 1' }).ids.filter((id) => id === END).length;

  it.each<[what: string, controlTokens: number, row: TrainingRow]>([
    ['a text', 0, { text: TEXT }],
    ['a text whose special tokens are parsed', 1, { text: TEXT, parseSpecial: true }],
    ['a prompt and a completion', 0, { prompt: TEXT, completion: TEXT }],
    ['both, parsed', 2, { prompt: TEXT, completion: TEXT, parseSpecial: true }],
    ['parts of the prompt', 1, { prompt: TEXT + TEXT, completion: TEXT, parseSpecial: [[0, TEXT.length]] }],
    ['a rendered chat', 2, { prompt: TEXT, completion: TEXT, isChat: true }],
  ])('rows: %s has %i', (_what, controlTokens, row) => {
    expect(ends(row)).toBe(controlTokens);
  });

  it('counts: they are counted as plain text where they are plain text', async () => {
    const counts = await languageModel.countTokens({ modelDirectory: MODEL, rows: [{ text: TEXT }, { text: TEXT, parseSpecial: true }, { prompt: TEXT + TEXT, completion: '', parseSpecial: [[0, TEXT.length]], endsWithEos: false }] });
    const [plain, parsed] = [tokenizer.encodePrompt(TEXT).length, tokenizer.encodePrompt(TEXT, true).length];
    expect(plain).toBeGreaterThan(parsed);
    expect(counts).toEqual([plain, parsed, tokenizer.encodePrompt(TEXT + TEXT, [[0, TEXT.length]]).length]);
    expect(counts[2]).toBeLessThan(2 * plain);
  });

  it('pretraining: they are plain text in a document', async () => {
    const corpusFile = join(directory, 'corpus.jsonl');
    writeFileSync(corpusFile, `${JSON.stringify({ segments: [{ text: TEXT, lossWeight: 1 }] })}\n`);
    const [document] = await readDocuments({ corpusFile, eosTokenId: 300 }, tokenizer);
    expect(document?.ids).toEqual([...tokenizer.encodeCompletion(TEXT), 300]);
    expect(document?.ids).not.toContain(END);
  });
});

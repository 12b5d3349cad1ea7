import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadTokenizer } from '../../engine/files/tokenizer';
import { goldenModel } from '../golden/golden-values';
import { runCommand } from './run-command';

const COMPUTE_TIMEOUT_MS = 120_000;
const MODEL = goldenModel('qwen2-bf16');
const TEXT = '<|im_start|>user\nHi<|im_end|>';

let directory: string;
beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'seal-special-'))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function rowsFile(rows: readonly unknown[]): string {
  const file = join(directory, 'rows.jsonl');
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}

async function json(...args: string[]): Promise<unknown> {
  const { exitCode, stdout, stderr } = await runCommand([...args, '--json']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout);
}

describe("special tokens in a user's text that become control tokens", () => {
  const tokenizer = loadTokenizer(MODEL);
  const plain = tokenizer.encodePrompt(TEXT).length;
  const parsed = tokenizer.encodePrompt(TEXT, true).length;

  it('are plain text to score, in prompt and completion, but with --parse-special', async () => {
    const rows = rowsFile([{ text: TEXT }, { prompt: 'a', completion: TEXT }]);
    const tokens = async (...flags: string[]): Promise<number[]> =>
      ((await json('score', '--model', MODEL, '--data', rows, ...flags)) as { readonly rows: { readonly tokens: number }[] }).rows.map((row) => row.tokens);
    expect(await tokens()).toEqual([plain - 1, plain]);
    expect(await tokens('--parse-special')).toEqual([parsed - 1, parsed]);
  }, COMPUTE_TIMEOUT_MS);

  it('are plain text to finetune, but with --parse-special', async () => {
    const trained = async (...flags: string[]): Promise<number> =>
      ((await json('finetune', '--model', MODEL, '--data', rowsFile([{ text: TEXT }]), '--epochs', '1', '--out', join(directory, 'adapter'), ...flags)) as { readonly trainedTokens: number }).trainedTokens;
    expect(await trained()).toBe(plain - 1);
    expect(await trained('--parse-special')).toBe(parsed - 1);
  }, COMPUTE_TIMEOUT_MS);

  it('are plain text to generate, but with --parse-special', async () => {
    const answer = async (...flags: string[]): Promise<unknown> =>
      ((await json('generate', '--model', MODEL, '--prompt', TEXT, '--max-new-tokens', '1', '--logprobs', ...flags)) as { readonly rows: { readonly logprobs: number[] }[] }).rows[0]?.logprobs;
    expect(await answer()).not.toEqual(await answer('--parse-special'));
  }, COMPUTE_TIMEOUT_MS);
});

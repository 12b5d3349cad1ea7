import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { goldenModel, goldens } from '../golden/golden-values';
import { runCommand } from './run-command';

const COMPUTE_TIMEOUT_MS = 120_000;
const QWEN = goldenModel('qwen2-bf16');

let directory: string;
beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'seal-chat-'))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function rowsFile(name: string, rows: readonly unknown[]): string {
  const file = join(directory, name);
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  return file;
}

async function textsOf(...args: string[]): Promise<readonly string[]> {
  const { exitCode, stdout, stderr } = await runCommand(['generate', '--max-new-tokens', '6', '--json', ...args]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return (JSON.parse(stdout) as { readonly rows: { readonly tokenIds: number[] }[] }).rows.map(({ tokenIds }) => tokenIds.join(' '));
}

describe('seal generate --chat', () => {
  // Qwen's tokenizer adds nothing to a prompt: a rendered chat given as a plain prompt has the same tokens.
  const chats = (goldens.chats.find(({ model }) => model === 'qwen2-bf16')?.chats ?? []).filter(({ addGenerationPrompt }) => addGenerationPrompt);

  it('asks by the template, whose special tokens are control tokens: of one prompt, of rows and of whole conversations', async () => {
    const plain = await textsOf('--model', QWEN, '--parse-special', '--prompts', rowsFile('plain.jsonl', chats.map(({ text }) => ({ prompt: text }))));
    expect(new Set(plain).size).toBe(chats.length);
    expect(await textsOf('--model', QWEN, '--chat', '--prompts', rowsFile('chats.jsonl', chats.map(({ messages }) => ({ messages }))))).toEqual(plain);
    const [first, second] = chats;
    expect(await textsOf('--model', QWEN, '--chat', '--prompt', first?.messages[0]?.content ?? '')).toEqual([plain[0]]);
    const [system, user] = second?.messages ?? [];
    expect(await textsOf('--model', QWEN, '--chat', '--system', system?.content ?? '', '--prompts', rowsFile('user.jsonl', [{ prompt: user?.content }]))).toEqual([plain[1]]);
  }, COMPUTE_TIMEOUT_MS);

  it('does not put a second BOS before the one of the template, and writes the given day', async () => {
    const llama = goldenModel('llama3-sharded-fp16');
    const [chat] = goldens.chats.find(({ model }) => model === 'llama3-sharded-fp16')?.chats ?? [];
    const rendered = chat?.text ?? '';
    const prompt = chat?.messages[0]?.content ?? '';
    const asked = await textsOf('--model', llama, '--chat', '--date', chat?.date ?? '', '--prompt', prompt);
    // As a plain prompt, the tokenizer adds the BOS that the template writes.
    expect(await textsOf('--model', llama, '--parse-special', '--prompt', rendered.slice('<|begin_of_text|>'.length))).toEqual(asked);
    expect(await textsOf('--model', llama, '--chat', '--prompt', prompt)).not.toEqual(asked);
  }, COMPUTE_TIMEOUT_MS);

  it.each<[what: string, args: readonly string[], rows: readonly unknown[] | null, line: string]>([
    ['a model without a template', ['--model', goldenModel('tied-fp32'), '--chat', '--prompt', 'x'], null, 'expected a chat_template, or a file chat_template.jinja beside it, got neither'],
    ['a system without a chat', ['--model', QWEN, '--system', 'x', '--prompt', 'x'], null, '--system: expected --chat beside it, got no --chat'],
    ['a date without a chat', ['--model', QWEN, '--date', '2026-01-01', '--prompt', 'x'], null, '--date: expected --chat beside it, got no --chat'],
    ['no day', ['--model', QWEN, '--chat', '--date', '2026-02-30', '--prompt', 'x'], null, '--date: expected a day as YYYY-MM-DD, got "2026-02-30"'],
    ['another field', ['--model', QWEN, '--chat'], [{ text: 'x' }], 'expected {"prompt": string} or {"messages": [{"role": string, "content": string}, ...]}, got the fields text'],
    ['no messages', ['--model', QWEN, '--chat'], [{ prompt: 'x' }, { messages: [] }], ':2: messages: expected a list of at least one message, got none'],
    ['a message without content', ['--model', QWEN, '--chat'], [{ messages: [{ role: 'user' }] }], ':1: messages 1: content: expected a string, got nothing'],
    ['a message with more', ['--model', QWEN, '--chat'], [{ messages: [{ role: 'user', content: '', name: 'x' }] }], ':1: messages 1: expected role and content only, got the field "name"'],
    ['a role that the template refuses', ['--model', QWEN, '--chat'], [{ messages: [{ role: 'tool', content: 'x' }] }], 'expected messages that the chat template takes, got message 0 has role tool'],
  ])('refuses %s', async (_what, args, rows, line) => {
    const { exitCode, stderr } = await runCommand(['generate', ...args, ...(rows === null ? [] : ['--prompts', rowsFile('bad.jsonl', rows)])]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(line);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });
});

describe('rows {messages} of finetune and score', () => {
  const conversation = [
    { role: 'user', content: 'Who plays the lute?' },
    { role: 'assistant', content: 'The mayor.' },
    { role: 'user', content: 'And who sells amber?' },
    { role: 'assistant', content: 'Velmora.' },
  ];

  async function scoreOf(model: string, row: object, ...flags: string[]): Promise<{ readonly logprob: number; readonly tokens: number } | undefined> {
    const { exitCode, stdout, stderr } = await runCommand(['score', '--model', model, '--data', rowsFile('row.jsonl', [row]), '--json', ...flags]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    return (JSON.parse(stdout) as { readonly rows: { readonly logprob: number; readonly tokens: number }[] }).rows[0];
  }

  it('are the last turn given the others, as the template writes it', async () => {
    // Qwen's tokenizer adds nothing to a prompt, and scores leave EOS out.
    const turn = (role: string, content: string) => `<|im_start|>${role}\n${content}<|im_end|>\n`;
    const before = turn('system', 'You answer briefly.') + conversation.slice(0, -1).map(({ role, content }) => turn(role, content)).join('');
    const plain = await scoreOf(QWEN, { prompt: `${before}<|im_start|>assistant\n`, completion: 'Velmora.<|im_end|>\n' }, '--parse-special');
    expect(await scoreOf(QWEN, { messages: conversation })).toEqual(plain);
  }, COMPUTE_TIMEOUT_MS);

  it('are learnt with the end that the template writes, and no other', async () => {
    const args = ['--model', QWEN, '--data', rowsFile('rows.jsonl', [{ messages: conversation }]), '--out', join(directory, 'adapter'), '--epochs', '1', '--rank', '2', '--json'];
    const { exitCode, stdout, stderr } = await runCommand(['finetune', ...args]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const scored = await scoreOf(QWEN, { messages: conversation });
    expect((JSON.parse(stdout) as { readonly trainedTokens: number }).trainedTokens).toBe(scored?.tokens);
  }, COMPUTE_TIMEOUT_MS);

  it.each<[what: string, model: string, rows: readonly unknown[], line: string]>([
    ['a conversation that ends with the user', QWEN, [{ text: 'a' }, { messages: conversation.slice(0, 3) }], ':2: messages: expected an assistant\'s turn at the end, got "user"'],
    ['a model without a template', goldenModel('tied-fp32'), [{ messages: conversation }], 'expected a chat_template, or a file chat_template.jinja beside it, got neither'],
    ['messages beside a text', QWEN, [{ text: 'a', messages: conversation }], ':1: expected {"text": string} or'],
  ])('refuse %s', async (_what, model, rows, line) => {
    const { exitCode, stderr } = await runCommand(['score', '--model', model, '--data', rowsFile('bad.jsonl', rows)]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(line);
  });
});

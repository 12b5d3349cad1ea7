import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from './run-command';

const ROOT = join(__dirname, '..', '..', '..');
const MODEL = join(ROOT, 'test', 'golden', 'models', 'tied-fp32');
const SHARED = join(ROOT, '..', 'shared', 'data', 'seal');
const RESULTS = join(SHARED, 'rank_iter0.json');
const SELECTED = join(SHARED, 'sft_best1of5_iter0.jsonl');
const COMPUTE_TIMEOUT_MS = 120_000;

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-cli-'));
  writeFileSync(join(directory, 'rows.jsonl'), '{"text": "hello world"}\n{"prompt": "a b", "completion": " c d"}\n');
  writeFileSync(join(directory, 'world.yaml'), 'seed: 5\n');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const inside = (name: string): string => join(directory, name);
/** What a command prints with `--json`, once it is done. */
async function documentOf(...args: string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await runCommand([...args, '--json']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
}

describe('--help', () => {
  const commands = 'up down doctor logs start watch status list pause resume cancel report ledger models finetune generate score select grade pretrain world demo';

  it.each(commands.split(' '))('%s has it, with --json', async (command) => {
    const { exitCode, stdout, stderr } = await runCommand([command, '--help']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(new RegExp(`^Usage: seal ${command} `));
    expect(stdout).toContain('--json');
  });
});

describe('finetune, score and generate', () => {
  it('write an adapter and its loss log, and use it', async () => {
    const trained = await documentOf(
      ...['finetune', '--model', MODEL, '--data', inside('rows.jsonl'), '--out', inside('adapter'), '--loss-log', inside('loss.jsonl')],
      ...['--rank', '4', '--alpha', '8', '--epochs', '3', '--no-shuffle', '--lr', '5e-2'],
    );
    expect(trained).toEqual({
      adapter: inside('adapter'),
      steps: 6,
      resumedSteps: 0,
      finalLoss: expect.any(Number),
      trainedTokens: expect.any(Number),
      seconds: expect.any(Number),
    });
    expect(existsSync(join(inside('adapter'), 'adapter_model.safetensors'))).toBe(true);
    const log = readFileSync(inside('loss.jsonl'), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, number>);
    expect(log.map(({ step }) => step)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(Object.keys(log[0] ?? {})).toEqual(['step', 'loss', 'learningRate', 'lossTokens']);
    expect(log[3]?.['learningRate']).toBeCloseTo(0.025, 12);
    expect(log.reduce((sum, { lossTokens = 0 }) => sum + lossTokens, 0)).toBe(trained['trainedTokens']);

    type Scores = { readonly logprob: number; readonly tokens: number }[];
    const base = (await documentOf('score', '--model', MODEL, '--data', inside('rows.jsonl')))['rows'] as Scores;
    const adapted = (await documentOf('score', '--model', MODEL, '--adapter', inside('adapter'), '--data', inside('rows.jsonl')))['rows'] as Scores;
    expect(base).toHaveLength(2);
    expect(adapted.map(({ tokens }) => tokens)).toEqual(base.map(({ tokens }) => tokens));
    adapted.forEach(({ logprob }, row) => expect(logprob).toBeGreaterThan(base[row]!.logprob));

    const generate = ['generate', '--model', MODEL, '--adapter', inside('adapter'), '--prompt', 'hello', '--max-new-tokens', '4'];
    const greedy = (await documentOf(...generate))['rows'] as { text: string; tokenIds: number[] }[];
    expect(greedy[0]?.tokenIds.length).toBeLessThanOrEqual(4);
    const sampled = await documentOf(...generate, '--temperature', '2', '--seed', '7');
    expect((await documentOf(...generate, '--temperature', '2', '--seed', '7'))['rows']).toEqual(sampled['rows']);
    const withLogprobs = (await documentOf(...generate, '--logprobs', '--precision', 'float32'))['rows'] as { tokenIds: number[]; logprobs: number[] }[];
    expect(withLogprobs[0]).toEqual({ ...greedy[0], logprobs: greedy[0]?.tokenIds.map(() => expect.any(Number) as number) });
    // A line's end is a text to stop at.
    expect((await documentOf(...generate, '--stop', '\n'))['rows']).toHaveLength(1);
  }, COMPUTE_TIMEOUT_MS);
});

describe('select and grade', () => {
  const results = existsSync(RESULTS);
  const withData = results ? it : it.skip;

  withData('select gives the rows of the reference, byte for byte (needs ../shared/data/seal)', async () => {
    expect(await documentOf('select', RESULTS, '--out', inside('kept.jsonl'))).toEqual({ contexts: 50, kept: 50 });
    expect(readFileSync(inside('kept.jsonl')).equals(readFileSync(SELECTED))).toBe(true);
  });

  withData('grade tells agreement, precision, recall and kappa (needs ../shared/data/seal)', async () => {
    const agreement = await documentOf('grade', RESULTS, '--grader', 'contains');
    expect(agreement).toMatchObject({ grader: 'contains', n: 6750 });
    for (const name of ['agreement', 'precision', 'recall', 'kappa']) expect(agreement[name]).toEqual(expect.any(Number));
  });

  withData('grade cross-validates, and shows what the grader and the judge differ on (needs ../shared/data/seal)', async () => {
    const found = await documentOf('grade', RESULTS, '--grader', 'tokens', '--cross-validate', '--folds', '2', '--disagreements', '3', '--half', 'validation');
    expect(found).toMatchObject({ grader: 'tokens', n: 3510, passages: 27, folds: [{ fold: 1 }, { fold: 2 }] });
    expect((found['disagreements'] as { sample: unknown[] }).sample).toHaveLength(3);
    const { stdout } = await runCommand(['grade', RESULTS, '--grader', 'f1', '--cross-validate', '--disagreements', '1']);
    expect(stdout).toMatch(/^fold {2}passages {2}answers/);
    expect(stdout).toMatch(/^disagreements: 1 of \d+ distinct answers$/m);
  });

  it('grade takes folds with cross-validation only', async () => {
    const { exitCode, stderr } = await runCommand(['grade', 'results.json', '--grader', 'tokens', '--folds', '3']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: '--folds: expected to stand beside --cross-validate, got it alone\n' });
  });
});

describe('world', () => {
  it('writes passages that a campaign file can name, the same every time', async () => {
    const args = ['world', inside('world.yaml'), '--train', '3', '--held-out', '2', '--out'];
    expect(await documentOf(...args, inside('a'))).toMatchObject({ train: 3, heldOut: 2 });
    await documentOf(...args, inside('b'));
    for (const name of ['train.json', 'held-out.json']) {
      expect(readFileSync(join(inside('a'), name), 'utf8')).toBe(readFileSync(join(inside('b'), name), 'utf8'));
    }
    const passages = JSON.parse(readFileSync(join(inside('a'), 'train.json'), 'utf8')) as { title: string; questions: unknown[] }[];
    expect(passages).toHaveLength(3);
    expect(passages[0]?.questions.length).toBeGreaterThan(0);
  });
});

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createProgram } from '../../cli/program';
import { runCommand } from './run-command';

const MODEL = join(__dirname, '..', '..', '..', 'test', 'golden', 'models', 'tied-fp32');
const ADAPTERS = join(__dirname, '..', '..', '..', 'test', 'golden', 'adapters');

let directory: string;
const before = { directory: process.cwd(), env: process.env };
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-cli-'));
  process.chdir(directory);
  const { TEMPORAL_ADDRESS: _temporal, S3_ENDPOINT: _s3, SEAL_DEBUG: _debug, SEAL_CODEC_KEYS: _keys, ...env } = process.env;
  process.env = { ...env, SEAL_HOME: join(directory, '.seal') };
  const files: Record<string, string | Uint8Array> = {
    'ok.jsonl': '{"text": "hello world"}\n',
    'prompts.jsonl': '{"prompt": "hello"}\n{"prompt": 3}\n',
    'empty.jsonl': '',
    'blank.jsonl': '\n \r\n',
    'malformed.jsonl': '{"text": "a b"}\n{"text": b}\n',
    'both.jsonl': '{"text": "a", "prompt": "b"}\n',
    'number.jsonl': '{"text": 3}\n',
    'list.jsonl': '[1]\n',
    'not-utf-8.jsonl': Uint8Array.from([0x7b, 0x7d, 0x0a, 0xff, 0xfe, 0x0a]),
    'surrogate.jsonl': '{"text": "\\ud800"}\n',
    'long.jsonl': `{"text": "a b"}\n\n{"text": "${'word '.repeat(500)}"}\n`,
    'results.json': '{\n"articles": [\n{"title": "A",}\n]}\n',
    'no-articles.json': '{"articles": []}\n',
    'world.yaml': 'seed: x\n',
    'pretrain.yaml': 'name: nano\nseed: 1\nworld: world.yaml\nmodle: {}\n',
    'a-file': 'x',
    'long-prompt.jsonl': `{"prompt": "a"}\n{"prompt": "${'word '.repeat(500)}"}\n`,
    'no-tokens.jsonl': '{"text": ""}\n',
    'good-world.yaml': 'seed: 1\n',
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(directory, name), content);
  mkdirSync(join(directory, 'empty-directory'));
});
afterAll(() => {
  process.chdir(before.directory);
  process.env = before.env;
  rmSync(directory, { recursive: true, force: true });
});

const FINETUNE = ['finetune', '--model', MODEL, '--out', 'adapter', '--data'];
const GENERATE = ['generate', '--model', MODEL];

const COMMANDS = createProgram({ writeOut: () => undefined, writeErr: () => undefined }).commands.map((command) => command.name());

describe('bad input ends with exit code 2 and one line that names it', () => {
  const table: readonly (readonly [command: string, args: readonly string[], line: string])[] = [
    ['no command', [], `command: expected one of ${COMMANDS.join(', ')}, got none (see seal --help)`],
    ['a mistyped command', ['statsu', '--json-not'], `command: expected one of ${COMMANDS.join(', ')}, got "statsu"`],
    ['a mistyped flag', [...GENERATE, '--prmpt', 'x'], '--prmpt: expected a flag that this command has (see --help), got an unknown one (did you mean --prompt?)'],
    ['a missing flag', ['finetune', '--data', 'ok.jsonl', '--out', 'adapter'], '--model: expected a value (--model <dir>), got none'],
    ['a flag without its value', ['select', 'results.json', '--out'], '--out: expected a value, got none'],
    ['an export of no epoch', ['export', 'demo', '--out', 'x', '--epoch', '0'], '--epoch: expected a whole number of at least 1, got "0"'],
    ['an export without an epoch', ['export', 'demo', '--out', 'x'], '--epoch: expected a value (--epoch <n>), got none'],
    ['an export in an unknown dtype', ['export', 'demo', '--epoch', '1', '--out', 'x', '--merge', '--dtype', 'int4'], '--dtype: expected one of float32, bfloat16, got "int4"'],
    ['adapters in another dtype', ['export', 'demo', '--epoch', '1', '--out', 'x', '--dtype', 'bfloat16'], '--dtype: expected --merge beside it (adapters are written as they are), got bfloat16'],
    ['an export into a file', ['export', 'demo', '--epoch', '1', '--out', 'a-file'], '--out a-file: expected a directory, got a file'],
    ['a missing argument', ['status'], 'id: expected a value, got none (see --help)'],
    ['an argument too many', ['status', 'a', 'b'], 'arguments: expected 1 argument, got 2'],
    ['rank 0', [...FINETUNE, 'ok.jsonl', '--rank', '0'], '--rank: expected a whole number from 1 to 1024, got "0"'],
    ['half an epoch', [...FINETUNE, 'ok.jsonl', '--epochs', '0.5'], '--epochs: expected a whole number from 1 to 10000, got "0.5"'],
    ['a learning rate of nothing', [...FINETUNE, 'ok.jsonl', '--lr', '0'], '--lr: expected a number above 0 and at most 1, got "0"'],
    ['a learning rate that is no number', [...FINETUNE, 'ok.jsonl', '--lr', 'NaN'], '--lr: expected a number above 0 and at most 1, got "NaN"'],
    ['an unknown schedule', [...FINETUNE, 'ok.jsonl', '--schedule', 'step'], '--schedule: expected one of linear, cosine, constant, got "step"'],
    ['an unknown projection', [...FINETUNE, 'ok.jsonl', '--targets', 'q_proj,x_proj'], '--targets: expected all-linear, a comma-separated list of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj, or a regular expression of module names, got "q_proj,x_proj"'],
    ['targets that are no modules', [...FINETUNE, 'ok.jsonl', '--targets', '.*layer[.].*_prj'], '--targets: expected modules of the model, such as q_proj or model.layers.0.self_attn.q_proj, got ".*layer[.].*_prj", which is none of them'],
    ['the head for a target', [...FINETUNE, 'ok.jsonl', '--targets', '.*proj|lm_head'], '--targets: expected projections of the layers (adapters of lm_head are not supported), got ".*proj|lm_head"'],
    ['a pattern without a value', [...FINETUNE, 'ok.jsonl', '--rank-pattern', 'q_proj'], '--rank-pattern: expected KEY=VALUE joined by commas, got "q_proj"'],
    ['a pattern of half a rank', [...FINETUNE, 'ok.jsonl', '--rank-pattern', 'q_proj=1.5'], '--rank-pattern: expected a whole number from 1 to 1024, got "1.5"'],
    ['a pattern that matches nothing', [...FINETUNE, 'ok.jsonl', '--targets', 'q_proj', '--alpha-pattern', 'v_proj=4'], '--alpha-pattern: expected keys that match adapted modules, got "v_proj", which matches none'],
    ['a dropout of everything', [...FINETUNE, 'ok.jsonl', '--dropout', '1'], '--dropout: expected a number of at least 0 and at most 0.99, got "1"'],
    ['a seed of 33 bits', [...FINETUNE, 'ok.jsonl', '--seed', '4294967296'], '--seed: expected a whole number from 0 to 4294967295, got "4294967296"'],
    ['no such data', [...FINETUNE, 'none.jsonl'], 'none.jsonl: expected a readable file, got no such file'],
    ['a directory for data', [...FINETUNE, 'empty-directory'], 'empty-directory: expected a readable file, got a directory'],
    ['empty data', [...FINETUNE, 'empty.jsonl'], 'empty.jsonl: expected a file with content, got an empty file'],
    ['blank lines alone', [...FINETUNE, 'blank.jsonl'], 'blank.jsonl: expected at least one JSON object a line, got blank lines only'],
    ['malformed JSON', [...FINETUNE, 'malformed.jsonl'], "malformed.jsonl:2: expected a JSON object, got malformed JSON (unexpected token 'b')"],
    ['fields of both kinds', [...FINETUNE, 'both.jsonl'], 'both.jsonl:1: expected {"text": string} or {"prompt": string, "completion": string}, got the fields "prompt", "text"'],
    ['a number for a text', [...FINETUNE, 'number.jsonl'], 'number.jsonl:1: text: expected a string, got a number'],
    ['a list for a row', [...FINETUNE, 'list.jsonl'], 'list.jsonl:1: expected a JSON object, got a list'],
    ['bytes that are no UTF-8', [...FINETUNE, 'not-utf-8.jsonl'], 'not-utf-8.jsonl:2: expected UTF-8 text, got bytes that are not'],
    ['half a surrogate pair', [...FINETUNE, 'surrogate.jsonl'], 'surrogate.jsonl:1: text: expected Unicode text, got half a surrogate pair'],
    ['a row too long for the model, after a blank line', [...FINETUNE, 'long.jsonl'], "long.jsonl:3: expected at most 128 tokens (the model's context), got 1502"],
    ['an output that is a file', [...FINETUNE.slice(0, 3), '--out', 'a-file', '--data', 'ok.jsonl'], '--out a-file: expected a directory, got a file'],
    ['a loss log nowhere', [...FINETUNE, 'ok.jsonl', '--loss-log', 'none/loss.jsonl'], '--loss-log none/loss.jsonl: expected a file in a directory that exists, got no such directory'],
    ['no model', ['score', '--model', 'none', '--data', 'ok.jsonl'], '--model none: expected a directory, got no such file'],
    ['a directory without a model', ['score', '--model', 'empty-directory', '--data', 'ok.jsonl'], 'empty-directory/config.json: expected a readable JSON file, got no such file'],
    ['a rank that contradicts the first adapter', [...FINETUNE, 'ok.jsonl', '--init-adapter', join(ADAPTERS, 'tied-all-r4'), '--rank', '8'], '--rank: expected 4, as in --init-adapter, got 8'],
    ['no prompt', GENERATE, '--prompt, --prompts: expected exactly one of them, got neither'],
    ['two kinds of prompt', [...GENERATE, '--prompt', 'a', '--prompts', 'prompts.jsonl'], '--prompt, --prompts: expected exactly one of them, got both'],
    ['a prompt that is a number', [...GENERATE, '--prompts', 'prompts.jsonl'], 'prompts.jsonl:2: prompt: expected a string, got a number'],
    ['top-p above 1', [...GENERATE, '--prompt', 'a', '--top-p', '1.5'], '--top-p: expected a number above 0 and at most 1, got "1.5"'],
    ['an empty stop text', [...GENERATE, '--prompt', 'a', '--stop', ''], '--stop: expected a text, got ""'],
    ['weights in an unknown precision', [...GENERATE, '--prompt', 'a', '--precision', 'int2'], '--precision: expected one of float32, int8, int4, got "int2"'],
    ['a negative temperature', [...GENERATE, '--prompt', 'a', '--temperature', '-1'], '--temperature: expected a number of at least 0, got "-1"'],
    ['malformed results', ['select', 'results.json', '--out', 'kept.jsonl'], 'results.json:3: expected JSON, got expected double-quoted property name'],
    ['results of nothing', ['grade', 'no-articles.json', '--grader', 'contains'], 'no-articles.json: articles: expected at least one article, got an empty list'],
    ['a grader that needs a model', ['grade', 'results.json', '--grader', 'logprob'], '--grader: expected one of exact, contains, f1, tokens, got "logprob"'],
    ['a world without a seed', ['world', 'world.yaml', '--out', 'world'], 'world.yaml:1: seed: expected a number, got "x"'],
    ['a misspelt key, which is a missing one too', ['pretrain', 'pretrain.yaml'], 'pretrain.yaml:4: modle: expected one of the keys name, seed, world, corpus, model, training, got an unknown key'],
    ['no server', ['list'], 'no Temporal server: TEMPORAL_ADDRESS is not set and nothing runs in $SEAL_HOME; run "seal up"'],
    ['a prompt too long for the model', [...GENERATE, '--prompt', 'word '.repeat(500)], "--prompt: expected at most 128 tokens (the model's context), got 1502"],
    ['a prompt of a file that is too long', [...GENERATE, '--prompts', 'long-prompt.jsonl'], "long-prompt.jsonl:2: expected at most 128 tokens (the model's context), got 1502"],
    ['a row of nothing to learn', [...FINETUNE, 'no-tokens.jsonl'], 'no-tokens.jsonl:1: expected at least one token to predict, got 1 tokens, 1 of them given'],
    ['a directory for a file', [...FINETUNE, 'empty-directory'], 'empty-directory: expected a readable file, got a directory'],
    ['an endless file', [...FINETUNE, '/dev/zero'], '/dev/zero: expected a file of at most 268435456 bytes, got more'],
    ['an adapter of another model', ['score', '--model', MODEL, '--adapter', join(ADAPTERS, 'gqa-qv-r6'), '--data', 'ok.jsonl'], `${join(ADAPTERS, 'gqa-qv-r6', 'adapter_model.safetensors')}: tensor base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight: shape: expected [6, 32] for this model and rank, got [6, 48]`],
    ['more of a world than it has', ['world', 'good-world.yaml', '--out', 'world', '--train', '99999999999'], 'world, train entities: expected at most 600 (skip + take), got 99999999999'],
    ['an empty id of a campaign', ['pause', ''], 'campaign id: expected up to 63 lower-case letters, digits and hyphens, a hyphen not first, got ""'],
    ['a part of a campaign', ['status', 'demo/epoch-1'], 'campaign id: expected up to 63 lower-case letters, digits and hyphens, a hyphen not first, got "demo/epoch-1"'],
    ['a workflow of the server', ['watch', '../demo'], 'campaign id: expected up to 63 lower-case letters, digits and hyphens, a hyphen not first, got "../demo"'],
    ['an id with capitals', ['report', 'Demo'], 'campaign id: expected up to 63 lower-case letters, digits and hyphens, a hyphen not first, got "Demo"'],
    ['no part of codec', ['codec'], 'codec: expected one of new-key, activate, serve, got none (see seal codec --help)'],
    ['an unknown part of codec', ['codec', 'sevre'], 'codec: expected one of new-key, activate, serve, got "sevre"'],
    ['a codec server without keys', ['codec', 'serve'], 'SEAL_CODEC_KEYS: expected keys to serve with (seal codec new-key makes them), got none'],
    ['keys in a file of something else', ['codec', 'new-key', 'good-world.yaml'], 'good-world.yaml: expected a file that its owner alone can read (chmod 600), got mode 0644'],
    ['an odd name of a key', ['codec', 'new-key', 'new-keys.json', '--id', '../a'], '--id: expected an id of up to 64 letters, digits, dots, hyphens and underscores, got "../a"'],
    ['an anonymous pause', ['pause', 'demo', '--by', ' '], '--by: expected a name, got " "'],
  ];

  it.each(table)('%s', async (_name, args, line) => {
    const { exitCode, stdout, stderr } = await runCommand(args);
    expect({ stderr: stderr.replace(join(directory, '.seal'), '$SEAL_HOME'), stdout, exitCode }).toEqual({ stderr: `${line}\n`, stdout: '', exitCode: 2 });
  });

  it('says the address of a server that does not answer', async () => {
    process.env['TEMPORAL_ADDRESS'] = '127.0.0.1:1';
    const { exitCode, stderr } = await runCommand(['status', 'demo']);
    delete process.env['TEMPORAL_ADDRESS'];
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'Temporal at 127.0.0.1:1: expected a server, got no answer; start it or correct TEMPORAL_ADDRESS, or unset it and run "seal up"\n',
    });
  });

  it('gives the same line as JSON with --json', async () => {
    const { exitCode, stdout } = await runCommand(['score', '--json', '--model', MODEL, '--data', 'empty.jsonl']);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toEqual({
      error: { code: 'BAD_INPUT', message: 'empty.jsonl: expected a file with content, got an empty file' },
    });
  });

  it.each(COMMANDS)(
    'gives the error of %s as one JSON document, with its code, and exits with 2',
    async (command) => {
      const { exitCode, stdout, stderr } = await runCommand([command, '--json', '--no-such-flag']);
      const message = '--no-such-flag: expected a flag that this command has (see --help), got an unknown one';
      expect({ exitCode, stderr, document: JSON.parse(stdout) as unknown }).toEqual({ exitCode: 2, stderr: `${message}\n`, document: { error: { code: 'BAD_INPUT', message } } });
    },
  );

  it('has written nothing', () => {
    expect(readdirSync(directory).filter((name) => ['adapter', 'kept.jsonl', '.seal'].includes(name))).toEqual([]);
  });
});

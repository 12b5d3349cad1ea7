import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { BadInputError } from '../../../campaign/errors';
import { readAdapter } from '../../../engine/files/adapter';
import { hasChatTemplate, loadChatTemplate } from '../../../engine/files/chat-template';
import { readModelConfig } from '../../../engine/files/model-config';
import { openModelDirectory } from '../../../engine/files/model-directory';
import { loadTokenizer } from '../../../engine/files/tokenizer';
import { goldenAdapter, goldenModel } from '../../golden/golden-values';
import { byteChanges, jsonChanges } from './mutated-json';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();
/** Of one file, on a machine that does other work too. */
const BOUND_MS = 10_000;
const RUNS = { numRuns: 150 };

interface Parser {
  readonly what: string;
  /** Directory that a file of is changed. */
  readonly source: string;
  readonly file: string;
  /** Reads the directory, and uses what it read. */
  read(directory: string): unknown;
}

const tied = readModelConfig(goldenModel('tied-fp32'));
const gqa = readModelConfig(goldenModel('gqa-bf16'));

function useTokenizer(model: string): void {
  const tokenizer = loadTokenizer(model);
  const ids = [...tokenizer.encodePrompt('Hello, 12 \u{1f600} é'), ...tokenizer.encodeCompletion(' x\0y')];
  for (const id of ids) expect(Number.isSafeInteger(id) && id >= 0).toBe(true);
  tokenizer.decode(ids);
}

function useChatTemplate(model: string): void {
  if (hasChatTemplate(model)) loadChatTemplate(model).render([{ role: 'user', content: 'a' }], { addGenerationPrompt: true });
}

const PARSERS: readonly Parser[] = [
  { what: 'the configuration of a model', source: goldenModel('tied-fp32'), file: 'config.json', read: openModelDirectory },
  { what: 'the configuration of a stretched model', source: goldenModel('llama3-sharded-fp16'), file: 'config.json', read: openModelDirectory },
  { what: 'how a model generates', source: goldenModel('gqa-bf16'), file: 'generation_config.json', read: openModelDirectory },
  { what: 'an index of shards', source: goldenModel('llama3-sharded-fp16'), file: 'model.safetensors.index.json', read: openModelDirectory },
  { what: 'a tokenizer', source: goldenModel('tied-fp32'), file: 'tokenizer.json', read: useTokenizer },
  { what: 'a byte-level tokenizer', source: goldenModel('qwen2-bf16'), file: 'tokenizer.json', read: useTokenizer },
  { what: "a chat template's configuration", source: goldenModel('qwen2-bf16'), file: 'tokenizer_config.json', read: useChatTemplate },
  { what: 'an adapter', source: goldenAdapter('tied-all-r4'), file: 'adapter_config.json', read: (adapter) => readAdapter(adapter, tied) },
  { what: 'an adapter with patterns', source: goldenAdapter('peft-patterns'), file: 'adapter_config.json', read: (adapter) => readAdapter(adapter, tied) },
  { what: 'the weights of an adapter', source: goldenAdapter('gqa-qv-r6'), file: 'adapter_model.safetensors', read: (adapter) => readAdapter(adapter, gqa) },
];

/** Anything but BadInputError is a bug, and so is a line that is none or a wait. */
function readOrRefuse(parser: Parser, copy: string): void {
  const started = performance.now();
  try {
    parser.read(copy);
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect(error.message.length).toBeLessThan(1200);
  }
  expect(performance.now() - started).toBeLessThan(BOUND_MS);
}

describe.each(PARSERS)('$what is read, or refused in one line', (parser) => {
  let copy: string;
  let original: Buffer;
  beforeEach(() => {
    copy = directory.path('copy');
    cpSync(parser.source, copy, { recursive: true });
    original = readFileSync(join(copy, parser.file));
  });
  const write = (bytes: string | Buffer): void => writeFileSync(join(copy, parser.file), bytes);

  it('as it is', () => {
    parser.read(copy);
  });

  it('with bytes changed', () => {
    const headFirst = parser.file.endsWith('.safetensors') ? 600 : original.length;
    fc.assert(
      fc.property(byteChanges(), (change) => {
        write(Buffer.concat([change(original.subarray(0, headFirst)), original.subarray(headFirst)]));
        readOrRefuse(parser, copy);
      }),
      { ...RUNS, seed: 1 },
    );
  });

  if (!parser.file.endsWith('.json')) return;

  it('with values changed', () => {
    const json: unknown = JSON.parse(original.toString('utf8'));
    fc.assert(
      fc.property(jsonChanges(), (change) => {
        write(JSON.stringify(change(json)));
        readOrRefuse(parser, copy);
      }),
      { ...RUNS, seed: 2 },
    );
  });
});

describe('found by longer hunts', () => {
  /** A copy of a model with one of its files changed. */
  function modelWith(name: string, file: string, change: (json: Record<string, Record<string, Record<string, unknown>>>) => void): string {
    cpSync(goldenModel(name), directory.path('model'), { recursive: true });
    const json = JSON.parse(readFileSync(directory.path('model', file), 'utf8')) as Record<string, Record<string, Record<string, unknown>>>;
    change(json);
    writeFileSync(directory.path('model', file), JSON.stringify(json));
    return directory.path('model');
  }

  it('a billion layers are refused before they are listed', () => {
    const model = modelWith('tied-fp32', 'config.json', (json) => (json['num_hidden_layers'] = 1e9 as never));
    expect(() => openModelDirectory(model)).toThrow(/config\.json: num_hidden_layers: expected layers that 20 tensors can hold, got 1000000000/);
  });

  it('an id that the tokenizer library would count to for ever', () => {
    const model = modelWith('tied-fp32', 'tokenizer.json', (json) => ((json['model'] as Record<string, Record<string, unknown>>)['vocab']!['x'] = 1e9));
    expect(() => loadTokenizer(model)).toThrow(/tokenizer\.json: model\.vocab\["x"\]: expected a whole number from 0 to 4194303, got 1000000000/);
  });

  it.each([true, 1.5, 'x', null, -1])('the id %p', (id) => {
    const model = modelWith('tied-fp32', 'tokenizer.json', (json) => ((json['model'] as Record<string, Record<string, unknown>>)['vocab']!['a'] = id));
    expect(() => loadTokenizer(model)).toThrow(/tokenizer\.json: model\.vocab\["a"\]: expected a whole number from 0 to 4194303/);
  });
});

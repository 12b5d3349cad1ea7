import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readInputJson, readInputText } from '../../../cli/input-file';
import { readPrompts, readTrainingRows } from '../../../cli/row-file';
import { readYamlFile } from '../../../cli/yaml-file';
import { campaignSpecSchema } from '../../../campaign/campaign-spec';
import { readAdapter } from '../../../engine/files/adapter';
import { loadChatTemplate } from '../../../engine/files/chat-template';
import { readModelConfig } from '../../../engine/files/model-config';
import { openModelDirectory } from '../../../engine/files/model-directory';
import { loadTokenizer } from '../../../engine/files/tokenizer';
import { goldenAdapter, goldenModel } from '../../golden/golden-values';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();

/** What git leaves of a file of Git LFS where the LFS client was not installed or told not to fetch. */
const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${'ab'.repeat(32)}\nsize 1073741824\n`;

const config = readModelConfig(goldenModel('tied-fp32'));
const READERS: readonly (readonly [source: string | null, name: string, read: (folder: string) => unknown])[] = [
  [goldenModel('tied-fp32'), 'model.safetensors', openModelDirectory],
  [goldenModel('llama3-sharded-fp16'), 'model-00002-of-00004.safetensors', openModelDirectory],
  [goldenModel('llama3-sharded-fp16'), 'model.safetensors.index.json', openModelDirectory],
  [goldenModel('tied-fp32'), 'config.json', openModelDirectory],
  [goldenModel('tied-fp32'), 'generation_config.json', openModelDirectory],
  [goldenModel('tied-fp32'), 'tokenizer.json', loadTokenizer],
  [goldenModel('qwen2-bf16'), 'tokenizer_config.json', loadChatTemplate],
  [goldenModel('llama3-sharded-fp16'), 'chat_template.jinja', loadChatTemplate],
  [goldenAdapter('tied-all-r4'), 'adapter_config.json', (folder) => readAdapter(folder, config)],
  [goldenAdapter('tied-all-r4'), 'adapter_model.safetensors', (folder) => readAdapter(folder, config)],
  [null, 'rows.jsonl', (folder) => readTrainingRows(join(folder, 'rows.jsonl'))],
  [null, 'prompts.jsonl', (folder) => readPrompts(join(folder, 'prompts.jsonl'))],
  [null, 'passages.json', (folder) => readInputJson(join(folder, 'passages.json'))],
  [null, 'template.txt', (folder) => readInputText(join(folder, 'template.txt'))],
  [null, 'campaign.yaml', (folder) => readYamlFile(join(folder, 'campaign.yaml'), campaignSpecSchema)],
];

test.each(READERS)('a Git LFS pointer in place of the file is named as one, with what to do: %s %s', (source, name, read) => {
  const folder = directory.path();
  if (source !== null) cpSync(source, folder, { recursive: true });
  writeFileSync(join(folder, name), POINTER);
  expect(() => read(folder)).toThrow(`${join(folder, name)}: expected `);
  expect(() => read(folder)).toThrow(/got a Git LFS pointer in place of the file \("git lfs pull" fetches it\)$/);
});

test('a longer text that begins like a Git LFS pointer is a text', () => {
  const file = directory.path('about.txt');
  writeFileSync(file, POINTER + 'x'.repeat(2000));
  expect(readInputText(file)).toContain('git-lfs');
});

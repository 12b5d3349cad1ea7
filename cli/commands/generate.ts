import type { Command } from 'commander';
import { BadInputError } from '../../campaign/errors';
import { type ExecutionProvider, GENERATION_PRECISIONS, type GenerateRow, type GenerationPrecision } from '../../campaign/language-model';
import { deriveSeed } from '../../seal/algorithm/seeds';
import { type ChatFlags, chatPrompts, conversationOf, readConversations, refuseChatFlags } from '../chat';
import { newCommand, runWith, type CommonFlags } from '../command';
import { adapterDirectory, checkModelDirectory } from '../directories';
import { PARSE_SPECIAL_HELP, calendarDay, nonEmpty, oneOf, provider, PROVIDER_HELP, realNumber, seed, wholeNumber } from '../flags';
import { withLanguageModel } from '../language-model';
import { locateComplaint, locateRow, readPrompts, type RowFile } from '../row-file';

interface GenerateFlags extends CommonFlags, ChatFlags {
  readonly model: string;
  readonly adapter?: string;
  readonly prompt?: string;
  readonly prompts?: string;
  readonly parseSpecial?: true;
  readonly maxNewTokens: number;
  readonly temperature: number;
  readonly topP: number;
  readonly provider: ExecutionProvider;
  readonly seed: number;
  readonly stop?: readonly string[];
  readonly logprobs?: true;
  readonly precision: GenerationPrecision;
}

/** `seal generate`: continues prompts, greedily or by seeded sampling. */
export function generateCommand(): Command {
  const command = newCommand('generate', 'continue a prompt, or each prompt of a JSONL file')
    .requiredOption('--model <dir>', 'Hugging Face model directory', nonEmpty('--model', 'a directory'))
    .option('--adapter <dir>', 'PEFT adapter on top of the model', nonEmpty('--adapter', 'a directory'))
    .option('--prompt <text>', 'the prompt')
    .option('--prompts <file.jsonl>', 'rows {prompt}; with --chat also {messages}', nonEmpty('--prompts', 'a file'))
    .option('--parse-special', PARSE_SPECIAL_HELP)
    .option('--chat', "ask by the model's chat template")
    .option('--system <text>', 'what the system says first (with --chat)')
    .option('--date <day>', 'the day that a template may write, YYYY-MM-DD (with --chat; default: 2024-07-26, whatever the day)', calendarDay('--date'))
    .option('--max-new-tokens <n>', 'longest continuation', wholeNumber('--max-new-tokens', 1), 64)
    .option('--temperature <x>', '0 is greedy', realNumber('--temperature', { minimum: 0, inclusive: true }), 0)
    .option('--top-p <x>', 'sample from the smallest set of tokens with this probability', realNumber('--top-p', { minimum: 0, inclusive: false, maximum: 1 }), 1)
    .option('--seed <n>', 'seed of the sampling; each row derives its own', seed('--seed'), 0)
    .option('--provider <name>', PROVIDER_HELP, provider, 'cpu')
    .option('--stop <text>', 'end before this text (may be repeated)', collectStop)
    .option('--logprobs', 'also the log-probability of each token')
    .option('--precision <kind>', `of the frozen weights: ${GENERATION_PRECISIONS.join(', ')}`, oneOf('--precision', GENERATION_PRECISIONS), 'float32');
  return runWith<GenerateFlags>(command, async (flags, output) => {
    checkPromptFlags(flags);
    checkModelDirectory(flags.model);
    const { rows: prompts, lines } = promptsOf(flags);
    if (flags.adapter !== undefined) adapterDirectory('--adapter', flags.adapter, flags.model);

    const result = await withLanguageModel(output, 'generating', ({ model, options }) =>
      model
        .generate(
          {
            modelDirectory: flags.model,
            groups: [
              {
                adapterDirectory: flags.adapter ?? null,
                rows: prompts.map((prompt, row) => ({ ...prompt, seed: deriveSeed(flags.seed, 'generate', row) })),
              },
            ],
            maxNewTokens: flags.maxNewTokens,
            temperature: flags.temperature,
            topP: flags.topP,
            ...(flags.stop === undefined ? {} : { stop: flags.stop }),
            logprobs: flags.logprobs === true,
            compute: { executionProviders: [flags.provider], generationPrecision: flags.precision },
          },
          options,
        )
        .catch((error: unknown) => {
          throw flags.prompts === undefined ? locateComplaint(error, () => '--prompt') : locateRow(error, flags.prompts, lines);
        }),
    );
    const rows = result.groups[0] ?? [];
    output.result({ rows, seconds: result.seconds }, () =>
      rows.length === 1 ? (rows[0]?.text ?? '') : rows.map(({ text }, row) => `--- ${row + 1}\n${text}`).join('\n'),
    );
  });
}

function collectStop(text: string, previous: readonly string[] | undefined): readonly string[] {
  // A blank or a line's end is a text as good as any.
  if (text === '') throw new BadInputError({ where: '--stop', expected: 'a text', got: '""' });
  return [...(previous ?? []), text];
}

function checkPromptFlags(flags: GenerateFlags): void {
  const given = [flags.prompt, flags.prompts].filter((value) => value !== undefined).length;
  if (given !== 1) throw new BadInputError({ where: '--prompt, --prompts', expected: 'exactly one of them', got: given === 0 ? 'neither' : 'both' });
  if (flags.chat === undefined) refuseChatFlags(flags);
}

function promptsOf(flags: GenerateFlags): RowFile<GenerateRow> {
  const { prompt, prompts = '' } = flags;
  if (flags.chat === undefined) {
    const { rows, lines } = prompt === undefined ? readPrompts(prompts) : { rows: [prompt], lines: [] };
    return { rows: rows.map((text) => ({ prompt: text, parseSpecial: flags.parseSpecial === true })), lines };
  }
  const { rows, lines } = prompt === undefined ? readConversations(prompts) : { rows: [conversationOf(prompt)], lines: [] };
  return { rows: chatPrompts(flags.model, rows, flags), lines };
}

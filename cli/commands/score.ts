import type { Command } from 'commander';
import type { ExecutionProvider } from '../../campaign/language-model';
import { chatRowReader } from '../chat';
import { newCommand, runWith, type CommonFlags } from '../command';
import { adapterDirectory, checkModelDirectory } from '../directories';
import { DATE_HELP, PARSE_SPECIAL_HELP, calendarDay, nonEmpty, provider, PROVIDER_HELP } from '../flags';
import { withLanguageModel } from '../language-model';
import { locateRow, readTrainingRows } from '../row-file';

interface ScoreFlags extends CommonFlags {
  readonly model: string;
  readonly adapter?: string;
  readonly data: string;
  readonly date?: string;
  readonly parseSpecial?: true;
  readonly provider: ExecutionProvider;
}

/** `seal score`: log-probability of each completion given its prompt. */
export function scoreCommand(): Command {
  const command = newCommand('score', 'log-probability of each completion given its prompt (of a {text}: given its first token)')
    .requiredOption('--model <dir>', 'Hugging Face model directory', nonEmpty('--model', 'a directory'))
    .option('--adapter <dir>', 'PEFT adapter on top of the model', nonEmpty('--adapter', 'a directory'))
    .requiredOption('--data <file.jsonl>', 'rows {text}, {prompt, completion} or {messages}', nonEmpty('--data', 'a file'))
    .option('--parse-special', PARSE_SPECIAL_HELP)
    .option('--date <day>', DATE_HELP, calendarDay('--date'))
    .option('--provider <name>', PROVIDER_HELP, provider, 'cpu');
  return runWith<ScoreFlags>(command, async (flags, output) => {
    const { rows, lines } = readTrainingRows(flags.data, { parseSpecial: flags.parseSpecial === true, chatRow: chatRowReader(flags.model, flags.date) });
    checkModelDirectory(flags.model);
    if (flags.adapter !== undefined) adapterDirectory('--adapter', flags.adapter, flags.model);

    const result = await withLanguageModel(output, 'scoring', ({ model, options }) =>
      model
        .score(
          {
            modelDirectory: flags.model,
            compute: { executionProviders: [flags.provider] },
            groups: [{ adapterDirectory: flags.adapter ?? null, rows }],
          },
          options,
        )
        .catch((error: unknown) => {
          throw locateRow(error, flags.data, lines);
        }),
    );
    const scored = (result.groups[0] ?? []).map(({ logprob, tokens }) => ({ logprob, tokens }));
    output.result({ rows: scored, seconds: result.seconds }, () =>
      ['line  log-probability  tokens', ...scored.map(({ logprob, tokens }, row) => scoreLine(lines[row] ?? 0, logprob, tokens))].join('\n'),
    );
  });
}

function scoreLine(line: number, logprob: number, tokens: number): string {
  return `${String(line).padStart(4)}  ${logprob.toFixed(4).padStart(15)}  ${String(tokens).padStart(6)}`;
}

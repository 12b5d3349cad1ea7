import type { Command } from 'commander';
import { stackStatus } from '../../infra/stack/stack-status';
import { LOG_LEVELS, type LogLevel } from '../../settings/telemetry';
import { newCommand, runWith, withInterrupt, type CommonFlags } from '../command';
import { nonEmpty, oneOf, wholeNumber } from '../flags';
import { followLog, lastLines } from '../log-tail';
import { isWanted, logText } from '../log-text';

const PROCESSES = ['temporal', 's3', 'worker'] as const;
type ProcessName = (typeof PROCESSES)[number];

interface LogsFlags extends CommonFlags {
  readonly of?: ProcessName;
  readonly lines: number;
  readonly follow?: true;
  readonly campaign?: string;
  readonly level?: LogLevel;
}

/** `seal logs`: the end of each background process's log, for people; with `--json` the lines as they were written. */
export function logsCommand(): Command {
  const command = newCommand('logs', "the end of the background processes' logs")
    .option('--of <process>', `only ${PROCESSES.join(', ')}`, oneOf('--of', PROCESSES))
    .option('--campaign <id>', 'only what belongs to this campaign', nonEmpty('--campaign', 'a campaign id'))
    .option('--level <level>', `only this level and above: ${LOG_LEVELS.join(', ')}`, (text: string) => oneOf('--level', LOG_LEVELS)(text.toUpperCase()))
    .option('--lines <n>', 'how many lines of each', wholeNumber('--lines', 1, 100_000), 20)
    .option('--follow', 'go on with what is written from now on');
  return runWith<LogsFlags>(command, async (flags, output) => {
    const { logs } = await stackStatus();
    const shown = PROCESSES.filter((name) => flags.of === undefined || flags.of === name);
    const wanted = (line: string): boolean => isWanted(line, flags);
    const ends = shown.map((process) => ({ process, file: logs[process], lines: lastLines(logs[process], flags.lines, wanted) }));
    output.result({ logs: ends }, () =>
      ends.map(({ process, file, lines }) => [`== ${process}: ${file}`, ...(lines.length === 0 ? ['(nothing)'] : lines.map(logText))].join('\n')).join('\n\n'),
    );
    if (flags.follow !== true) return;
    await withInterrupt('the processes go on', (signal) =>
      Promise.all(
        shown.map((name) =>
          followLog(logs[name], (line) => {
            if (wanted(line)) output.log(flags.json === true ? line : `${name}: ${logText(line)}`);
          }, signal),
        ),
      ),
    );
  });
}

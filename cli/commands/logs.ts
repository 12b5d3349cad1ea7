import type { Command } from 'commander';
import { stackStatus } from '../../infra/stack/stack-status';
import { newCommand, runWith, withInterrupt, type CommonFlags } from '../command';
import { oneOf, wholeNumber } from '../flags';
import { followLog, lastLines } from '../log-tail';

const PROCESSES = ['temporal', 's3', 'worker'] as const;
type ProcessName = (typeof PROCESSES)[number];

interface LogsFlags extends CommonFlags {
  readonly of?: ProcessName;
  readonly lines: number;
  readonly follow?: true;
}

/** `seal logs`: the end of each background process's log. */
export function logsCommand(): Command {
  const command = newCommand('logs', "the end of the background processes' logs")
    .option('--of <process>', `only ${PROCESSES.join(', ')}`, oneOf('--of', PROCESSES))
    .option('--lines <n>', 'how many lines of each', wholeNumber('--lines', 1, 100_000), 20)
    .option('--follow', 'go on with what is written from now on');
  return runWith<LogsFlags>(command, async (flags, output) => {
    const { logs } = await stackStatus();
    const shown = PROCESSES.filter((name) => flags.of === undefined || flags.of === name);
    const ends = shown.map((process) => ({ process, file: logs[process], lines: lastLines(logs[process], flags.lines) }));
    output.result({ logs: ends }, () =>
      ends.map(({ process, file, lines }) => [`== ${process}: ${file}`, ...(lines.length === 0 ? ['(nothing yet)'] : lines)].join('\n')).join('\n\n'),
    );
    if (flags.follow !== true) return;
    await withInterrupt('the processes go on', (signal) =>
      Promise.all(shown.map((name) => followLog(logs[name], (text) => output.log(text.trimEnd().replace(/^/gm, `${name}: `)), signal))),
    );
  });
}

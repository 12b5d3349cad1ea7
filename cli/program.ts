import { Command } from 'commander';
import { BadInputError } from '../campaign/errors';
import { auditCommand } from './commands/audit';
import { cancelCommand } from './commands/cancel';
import { codecCommand } from './commands/codec';
import { deleteCommand } from './commands/delete';
import { demoCommand } from './commands/demo';
import { doctorCommand } from './commands/doctor';
import { downCommand } from './commands/down';
import { exportCommand } from './commands/export';
import { exportHistoryCommand } from './commands/export-history';
import { finetuneCommand } from './commands/finetune';
import { gcCommand } from './commands/gc';
import { generateCommand } from './commands/generate';
import { gradeCommand } from './commands/grade';
import { ledgerCommand } from './commands/ledger';
import { listCommand } from './commands/list';
import { logsCommand } from './commands/logs';
import { modelsCommand } from './commands/models';
import { pauseCommand } from './commands/pause';
import { pretrainCommand } from './commands/pretrain';
import { reportCommand } from './commands/report';
import { retryFailedCommand } from './commands/retry-failed';
import { resumeCommand } from './commands/resume';
import { scoreCommand } from './commands/score';
import { selectCommand } from './commands/select';
import { startCommand } from './commands/start';
import { statusCommand } from './commands/status';
import { upCommand } from './commands/up';
import { watchCommand } from './commands/watch';
import { worldCommand } from './commands/world';
import type { Streams } from './output';
import { packageVersion } from '../workers/package-version';

/** Every command of `seal`, in the order `--help` lists them. */
const COMMANDS: readonly (() => Command)[] = [
  upCommand,
  downCommand,
  doctorCommand,
  logsCommand,
  startCommand,
  watchCommand,
  statusCommand,
  listCommand,
  pauseCommand,
  resumeCommand,
  cancelCommand,
  retryFailedCommand,
  reportCommand,
  ledgerCommand,
  exportCommand,
  auditCommand,
  exportHistoryCommand,
  deleteCommand,
  gcCommand,
  modelsCommand,
  finetuneCommand,
  generateCommand,
  scoreCommand,
  selectCommand,
  gradeCommand,
  pretrainCommand,
  worldCommand,
  demoCommand,
  codecCommand,
];

/** The whole command line. Failures are thrown, never printed: `run` prints them. */
export function createProgram(streams: Streams): Command {
  const program = new Command('seal')
    .description('Run SEAL training campaigns: durable, auditable, on one machine or many.')
    .version(packageVersion(), '--version', 'print the version')
    .helpCommand(false)
    .usage('<command> [options]')
    .argument('[command...]')
    .allowUnknownOption()
    .action(([command]: string[]) => {
      throw unknownCommand(program, command);
    });
  for (const create of COMMANDS) program.addCommand(create());
  program.configureHelp({ visibleArguments: () => [] });
  for (const command of [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]) {
    command.exitOverride().configureOutput({ ...streams, outputError: () => undefined });
  }
  return program;
}

function unknownCommand(program: Command, got: string | undefined): BadInputError {
  const names = program.commands.map((command) => command.name());
  return new BadInputError({
    where: 'command',
    expected: `one of ${names.join(', ')}`,
    got: got === undefined ? 'none (see seal --help)' : JSON.stringify(got),
  });
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { BadInputError } from '../contracts/errors';
import { finetuneCommand } from './commands/finetune';
import { generateCommand } from './commands/generate';
import { gradeCommand } from './commands/grade';
import { scoreCommand } from './commands/score';
import { selectCommand } from './commands/select';

/** Every command of `seal`, in the order `--help` lists them. */
const COMMANDS: readonly (() => Command)[] = [
  finetuneCommand,
  generateCommand,
  scoreCommand,
  selectCommand,
  gradeCommand,
];

/** The whole command line. Failures are thrown, never printed: `main` prints them. */
export function createProgram(): Command {
  const program = new Command('seal')
    .description('Run SEAL training campaigns: durable, auditable, on one machine.')
    .version(packageVersion(), '--version', 'print the version')
    .helpCommand(false)
    .argument('[command]')
    .action((command: string | undefined) => {
      throw unknownCommand(program, command);
    });
  for (const create of COMMANDS) program.addCommand(create());
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeErr: () => undefined, outputError: () => undefined });
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

/** The package.json beside the compiled `dist/` folder. */
function packageVersion(): string {
  const file = join(__dirname, '..', '..', 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

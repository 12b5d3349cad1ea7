import type { Command } from 'commander';
import { stopStack } from '../../infra/stack/stack';
import { newCommand, runWith } from '../command';

/** `seal down`: stops the worker and the embedded servers; all state stays. */
export function downCommand(): Command {
  return runWith(newCommand('down', 'stop the worker and the embedded servers; all state stays'), async (_flags, output) => {
    const stopped = await stopStack({ say: (line) => output.log(line) });
    output.result({ stopped }, () => (stopped.length === 0 ? 'nothing was running' : `stopped ${stopped.join(', ')}`));
  });
}

import type { Command } from 'commander';
import { operatorCommand, updating } from '../operator';

/** `seal cancel`: ends a campaign and everything it has running. */
export function cancelCommand(): Command {
  return operatorCommand('cancel', 'end a campaign and everything it has running', updating('cancel', 'cancelling'));
}

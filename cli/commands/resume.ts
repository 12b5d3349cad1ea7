import type { Command } from 'commander';
import { operatorCommand, updating } from '../operator';

/** `seal resume`: goes on with a paused campaign. */
export function resumeCommand(): Command {
  return operatorCommand('resume', 'go on with a paused campaign', updating('resume', 'resumed'));
}

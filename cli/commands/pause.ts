import type { Command } from 'commander';
import { operatorCommand, updating } from '../operator';

/** `seal pause`: starts no further candidate; those that run finish. */
export function pauseCommand(): Command {
  return operatorCommand('pause', 'start no further candidates; those that run finish', updating('pause', 'pausing; what runs now finishes first'));
}

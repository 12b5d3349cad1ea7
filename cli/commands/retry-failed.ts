import type { Command } from 'commander';
import { operatorCommand } from '../operator';
import { retryFailed } from '../retry-failed';

/** `seal retry-failed`: failed candidates are tried again, and what their rewards change is made anew. */
export function retryFailedCommand(): Command {
  return operatorCommand('retry-failed', 'try failed candidates (or the part that failed the campaign) again', retryFailed);
}

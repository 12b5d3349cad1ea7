import { sha256Hex } from './sha256';

/**
 * The id of a context: the first 8 hex digits of sha256(title + "\n" + context). Titles alone repeat (100 recorded
 * passages have 85 titles).
 */
export function contextId(title: string, context: string): string {
  return sha256Hex(`${title}\n${context}`).slice(0, 8);
}

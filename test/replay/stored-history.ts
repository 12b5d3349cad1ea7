import { readFileSync, writeFileSync } from 'node:fs';
import { decodeHistory, encodeHistory, type History } from '../../activities/stored/history-bytes';

export type { History };

export function writeHistory(file: string, history: History): void {
  writeFileSync(file, encodeHistory(history));
}

export function readHistory(file: string): History {
  return decodeHistory(readFileSync(file));
}

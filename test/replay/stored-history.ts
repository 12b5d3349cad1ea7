import { readFileSync, writeFileSync } from 'node:fs';
// eslint-disable-next-line import-x/no-extraneous-dependencies -- the SDK's messages; its JSON reader fails where npm installs two copies of protobufjs
import { temporal } from '@temporalio/proto';

const { History } = temporal.api.history.v1;
export type History = temporal.api.history.v1.IHistory;

/** Stores a workflow's history as the server's own message, which no version of a JSON format can change. */
export function writeHistory(file: string, history: History): void {
  writeFileSync(file, History.encode(history).finish());
}

export function readHistory(file: string): History {
  return History.decode(readFileSync(file));
}

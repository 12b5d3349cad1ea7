// The SDK's messages; its JSON reader fails where npm installs two copies of protobufjs.
import { temporal } from '@temporalio/proto';

const { History } = temporal.api.history.v1;

export type History = temporal.api.history.v1.IHistory;

/**
 * A workflow's history as the server's own message, which no version of a JSON format can change. Payloads stay as the server
 * has them, encrypted where a codec is on. Equal histories give equal bytes: the server sends the entries of a map in any order.
 */
export function encodeHistory(history: History): Uint8Array {
  return History.encode(sortMaps(history) as History).finish();
}

/** @throws RangeError or Error for bytes that are no history */
export function decodeHistory(bytes: Uint8Array): History {
  return History.decode(bytes);
}

/** A map is the only plain object within a decoded message. */
function sortMaps(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(sortMaps);
  const entries = Object.entries(value).map(([key, inner]) => [key, sortMaps(inner)] as const);
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === Object.prototype || prototype === null) return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
  return Object.assign(Object.create(prototype) as object, Object.fromEntries(entries));
}

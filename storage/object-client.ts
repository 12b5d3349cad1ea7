/** What a written object is made of. A file is streamed, so it may be larger than memory. */
export type ObjectSource = Uint8Array | { readonly file: string };

/** What a server says of an object without its bytes. */
export interface ObjectInfo {
  readonly key: string;
  readonly sizeBytes: number;
  /** When it was last written, by the server's clock. */
  readonly modifiedMs: number;
}

export interface WriteOptions {
  readonly mediaType: string;
  /** Write only where nothing is yet; decided by the server, atomically. */
  readonly ifAbsent: boolean;
  /** Hex SHA-256 of the content; the server refuses other bytes. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/**
 * The few operations the artifact store needs of an object server, so that a driver is small and a test needs none.
 * Methods throw ServerUnreachableError, StoreFailedError and, for refused credentials, StoreRefusedError: all retryable without limit;
 * BadInputError for what the server has not got.
 */
export interface ObjectClient {
  /** Where objects live, for messages: `bucket seal at http://127.0.0.1:7070`. */
  readonly location: string;
  /** The object's size and time, or null where there is none. */
  find(key: string): Promise<ObjectInfo | null>;
  /** The object in chunks, or null where there is none. */
  read(key: string): Promise<AsyncIterable<Uint8Array> | null>;
  /** `exists` only with `ifAbsent`: another object was there first and was left alone. */
  write(key: string, source: ObjectSource, options: WriteOptions): Promise<'written' | 'exists'>;
  /** Objects under the prefix, sorted by the code units of their keys. */
  list(prefix: string): Promise<ObjectInfo[]>;
  remove(key: string): Promise<void>;
  /** Removes what is left of writes that were begun before then and never came to an end. @returns how many, also where `dryRun` */
  removeUnfinished(begunBeforeMs: number, dryRun: boolean): Promise<number>;
  /** Frees sockets. */
  close(): void;
}

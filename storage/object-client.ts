/** What a written object is made of. A file is streamed, so it may be larger than memory. */
export type ObjectSource = Uint8Array | { readonly file: string };

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
 * Methods throw ServerUnreachableError and StoreFailedError (retryable without limit) and BadInputError for refused credentials.
 */
export interface ObjectClient {
  /** Where objects live, for messages: `bucket seal at http://127.0.0.1:7070`. */
  readonly location: string;
  /** Size of the object, or null where there is none. */
  sizeOf(key: string): Promise<number | null>;
  /** The object in chunks, or null where there is none. */
  read(key: string): Promise<AsyncIterable<Uint8Array> | null>;
  /** `exists` only with `ifAbsent`: another object was there first and was left alone. */
  write(key: string, source: ObjectSource, options: WriteOptions): Promise<'written' | 'exists'>;
  /** Keys under the prefix, sorted by code unit. */
  list(prefix: string): Promise<string[]>;
  remove(key: string): Promise<void>;
  /** Frees sockets. */
  close(): void;
}

import { readFile } from 'node:fs/promises';
import type { ArtifactStore } from './artifact-store';
import { ContentAddressedStore } from './content-addressed-store';
import type { ObjectClient, ObjectInfo, ObjectSource, WriteOptions } from './object-client';

/** Objects in a Map, for unit tests: same rules, no server. */
export class MemoryObjectClient implements ObjectClient {
  readonly location = 'memory';
  readonly #objects = new Map<string, { readonly bytes: Uint8Array; readonly modifiedMs: number }>();

  find(key: string): Promise<ObjectInfo | null> {
    return Promise.resolve(this.#infoOf(key));
  }

  read(key: string): Promise<AsyncIterable<Uint8Array> | null> {
    const bytes = this.#objects.get(key)?.bytes;
    return Promise.resolve(bytes === undefined ? null : oneChunk(bytes.slice()));
  }

  async write(key: string, source: ObjectSource, options: WriteOptions): Promise<'written' | 'exists'> {
    const bytes = 'file' in source ? await readFile(source.file) : source.slice();
    if (options.ifAbsent && this.#objects.has(key)) return 'exists';
    this.#objects.set(key, { bytes, modifiedMs: Date.now() });
    return 'written';
  }

  list(prefix: string): Promise<ObjectInfo[]> {
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    return Promise.resolve(keys.flatMap((key) => this.#infoOf(key) ?? []));
  }

  remove(key: string): Promise<void> {
    this.#objects.delete(key);
    return Promise.resolve();
  }

  removeUnfinished(): Promise<number> {
    return Promise.resolve(0);
  }

  close(): void {
    this.#objects.clear();
  }

  #infoOf(key: string): ObjectInfo | null {
    const found = this.#objects.get(key);
    return found === undefined ? null : { key, sizeBytes: found.bytes.byteLength, modifiedMs: found.modifiedMs };
  }
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** An artifact store that lives and dies with the process. */
export function createMemoryStore(): ArtifactStore {
  return new ContentAddressedStore(new MemoryObjectClient());
}

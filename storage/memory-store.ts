import { readFile } from 'node:fs/promises';
import type { ArtifactStore } from './artifact-store';
import { ContentAddressedStore } from './content-addressed-store';
import type { ObjectClient, ObjectSource, WriteOptions } from './object-client';

/** Objects in a Map, for unit tests: same rules, no server. */
export class MemoryObjectClient implements ObjectClient {
  readonly location = 'memory';
  readonly #objects = new Map<string, Uint8Array>();

  sizeOf(key: string): Promise<number | null> {
    return Promise.resolve(this.#objects.get(key)?.byteLength ?? null);
  }

  read(key: string): Promise<AsyncIterable<Uint8Array> | null> {
    const bytes = this.#objects.get(key);
    return Promise.resolve(bytes === undefined ? null : oneChunk(bytes.slice()));
  }

  async write(key: string, source: ObjectSource, options: WriteOptions): Promise<'written' | 'exists'> {
    const bytes = 'file' in source ? await readFile(source.file) : source.slice();
    if (options.ifAbsent && this.#objects.has(key)) return 'exists';
    this.#objects.set(key, bytes);
    return 'written';
  }

  list(prefix: string): Promise<string[]> {
    return Promise.resolve([...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort());
  }

  remove(key: string): Promise<void> {
    this.#objects.delete(key);
    return Promise.resolve();
  }

  close(): void {
    this.#objects.clear();
  }
}

async function* oneChunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** An artifact store that lives and dies with the process. */
export function createMemoryStore(): ArtifactStore {
  return new ContentAddressedStore(new MemoryObjectClient());
}

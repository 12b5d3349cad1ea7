import type { ObjectClient, ObjectInfo, ObjectSource, WriteOptions } from './object-client';

export type StoreOperation = 'size' | 'read' | 'write' | 'list' | 'remove';

/** Told that a request begins; what it returns is called at its end, with the error of one that failed. */
export type ObserveRequest = (operation: StoreOperation) => (error?: unknown) => void;

/** The same objects, each request to them told to an observer. A read ends with its last byte, or where its reader stops. */
export class ObservedObjectClient implements ObjectClient {
  constructor(
    private readonly objects: ObjectClient,
    private readonly observe: ObserveRequest,
  ) {}

  get location(): string {
    return this.objects.location;
  }

  find(key: string): Promise<ObjectInfo | null> {
    return this.#observed('size', () => this.objects.find(key));
  }

  async read(key: string): Promise<AsyncIterable<Uint8Array> | null> {
    const end = this.observe('read');
    try {
      const chunks = await this.objects.read(key);
      if (chunks !== null) return untilRead(chunks, end);
      end();
      return null;
    } catch (error) {
      end(error);
      throw error;
    }
  }

  write(key: string, source: ObjectSource, options: WriteOptions): Promise<'written' | 'exists'> {
    return this.#observed('write', () => this.objects.write(key, source, options));
  }

  list(prefix: string): Promise<ObjectInfo[]> {
    return this.#observed('list', () => this.objects.list(prefix));
  }

  remove(key: string): Promise<void> {
    return this.#observed('remove', () => this.objects.remove(key));
  }

  removeUnfinished(begunBeforeMs: number, dryRun: boolean): Promise<number> {
    return this.#observed('remove', () => this.objects.removeUnfinished(begunBeforeMs, dryRun));
  }

  close(): void {
    this.objects.close();
  }

  async #observed<Result>(operation: StoreOperation, request: () => Promise<Result>): Promise<Result> {
    const end = this.observe(operation);
    try {
      const result = await request();
      end();
      return result;
    } catch (error) {
      end(error);
      throw error;
    }
  }
}

async function* untilRead(chunks: AsyncIterable<Uint8Array>, end: (error?: unknown) => void): AsyncGenerator<Uint8Array> {
  let failure: unknown;
  try {
    yield* chunks;
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    end(failure);
  }
}

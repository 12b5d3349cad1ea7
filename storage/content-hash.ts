import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { ObjectSource } from './object-client';

export interface ContentHash {
  /** Hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

export function hashBytes(bytes: Uint8Array): ContentHash {
  return { sha256: createHash('sha256').update(bytes).digest('hex'), sizeBytes: bytes.byteLength };
}

/** Hashes chunk by chunk, so memory does not grow with the content. */
export async function hashChunks(chunks: AsyncIterable<Uint8Array>): Promise<ContentHash> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    sizeBytes += chunk.byteLength;
  }
  return { sha256: hash.digest('hex'), sizeBytes };
}

export async function hashFile(file: string): Promise<ContentHash> {
  return hashChunks(createReadStream(file));
}

export async function hashSource(source: ObjectSource): Promise<ContentHash> {
  return 'file' in source ? hashFile(source.file) : hashBytes(source);
}

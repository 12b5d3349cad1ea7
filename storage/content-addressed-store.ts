import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type ArtifactRef, type Manifest, manifestSchema, type PublishedManifest } from '../campaign/artifacts';
import { ArtifactCorruptError, ArtifactMissingError } from '../campaign/errors';
import { checkKey } from './artifact-key';
import { type ArtifactStore, artifactKey } from './artifact-store';
import { canonicalJson } from './canonical-json';
import { type ContentHash, hashBytes, hashChunks, hashSource } from './content-hash';
import type { ObjectClient, ObjectInfo, ObjectSource } from './object-client';
import { partialPath } from './partial-path';

/** An artifact that is put again is written again once it is this old. */
export const REFRESH_AFTER_MS = 3600 * 1000;

/** The artifact store's rules (address by hash, verify on read, first manifest wins) over any object client. */
export class ContentAddressedStore implements ArtifactStore {
  readonly #objects: ObjectClient;

  constructor(objects: ObjectClient) {
    this.#objects = objects;
  }

  get location(): string {
    return this.#objects.location;
  }

  async put(source: ObjectSource, mediaType: string): Promise<ArtifactRef> {
    const content = await hashSource(source);
    const ref: ArtifactRef = { ...content, mediaType };
    const key = artifactKey(ref);
    const known = await this.#objects.find(key);
    // A wrong size can only be damage: writing again repairs it.
    const whole = known?.sizeBytes === content.sizeBytes;
    if (!whole || known.modifiedMs < Date.now() - REFRESH_AFTER_MS) {
      await this.#objects.write(key, source, { ...content, mediaType, ifAbsent: false });
    }
    return ref;
  }

  async get(ref: ArtifactRef): Promise<Uint8Array> {
    const key = artifactKey(ref);
    const bytes = await this.#readWhole(key);
    if (bytes === null) throw this.#missing(key);
    this.#verify(key, ref, hashBytes(bytes));
    return bytes;
  }

  async getFile(ref: ArtifactRef, file: string): Promise<void> {
    const key = artifactKey(ref);
    const chunks = await this.#objects.read(key);
    if (chunks === null) throw this.#missing(key);
    await mkdir(dirname(file), { recursive: true });
    const partial = partialPath(file);
    try {
      this.#verify(key, ref, await writeAndHash(chunks, partial));
      await rename(partial, file);
    } finally {
      await rm(partial, { force: true });
    }
  }

  async has(ref: ArtifactRef): Promise<boolean> {
    return (await this.#objects.find(artifactKey(ref)))?.sizeBytes === ref.sizeBytes;
  }

  async publish(key: string, manifest: Manifest): Promise<PublishedManifest> {
    checkKey(key);
    const parsed = manifestSchema.parse(manifest);
    const bytes = new TextEncoder().encode(canonicalJson(parsed));
    const outcome = await this.#objects.write(key, bytes, {
      ...hashBytes(bytes),
      mediaType: 'application/json',
      ifAbsent: true,
    });
    if (outcome === 'written') return { manifest: parsed, adopted: false };
    return { manifest: await this.readManifest(key), adopted: true };
  }

  async readManifest(key: string): Promise<Manifest> {
    const manifest = await this.findManifest(key);
    if (manifest === null) throw this.#missing(key);
    return manifest;
  }

  async findManifest(key: string): Promise<Manifest | null> {
    checkKey(key);
    const bytes = await this.#readWhole(key);
    if (bytes === null) return null;
    try {
      return manifestSchema.parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)));
    } catch (cause) {
      throw new ArtifactCorruptError(`${key} in ${this.location} is no manifest`, { cause });
    }
  }

  async list(prefix: string): Promise<string[]> {
    return (await this.#objects.list(prefix)).map(({ key }) => key);
  }

  listObjects(prefix: string): Promise<ObjectInfo[]> {
    return this.#objects.list(prefix);
  }

  readBytes(key: string): Promise<Uint8Array | null> {
    checkKey(key);
    return this.#readWhole(key);
  }

  async hashOf(ref: Pick<ArtifactRef, 'sha256'>): Promise<ContentHash | null> {
    const chunks = await this.#objects.read(artifactKey(ref));
    return chunks === null ? null : hashChunks(chunks);
  }

  findObject(key: string): Promise<ObjectInfo | null> {
    checkKey(key);
    return this.#objects.find(key);
  }

  remove(key: string): Promise<void> {
    checkKey(key);
    return this.#objects.remove(key);
  }

  removeUnfinished(begunBeforeMs: number, dryRun: boolean): Promise<number> {
    return this.#objects.removeUnfinished(begunBeforeMs, dryRun);
  }

  close(): void {
    this.#objects.close();
  }

  async #readWhole(key: string): Promise<Uint8Array | null> {
    const chunks = await this.#objects.read(key);
    if (chunks === null) return null;
    const parts: Uint8Array[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    return Buffer.concat(parts);
  }

  #verify(key: string, expected: ContentHash, got: ContentHash): void {
    if (got.sha256 === expected.sha256 && got.sizeBytes === expected.sizeBytes) return;
    throw new ArtifactCorruptError(
      `${key} in ${this.location}: expected sha256 ${expected.sha256} of ${expected.sizeBytes} bytes, ` +
        `got ${got.sha256} of ${got.sizeBytes} bytes`,
    );
  }

  #missing(key: string): ArtifactMissingError {
    return new ArtifactMissingError(`${key} is not in ${this.location}`);
  }
}

async function writeAndHash(chunks: AsyncIterable<Uint8Array>, file: string): Promise<ContentHash> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  async function* tapped(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      hash.update(chunk);
      sizeBytes += chunk.byteLength;
      yield chunk;
    }
  }
  await pipeline(tapped(), createWriteStream(file, { flags: 'wx' }));
  return { sha256: hash.digest('hex'), sizeBytes };
}

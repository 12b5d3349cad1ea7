import type { ArtifactRef, Manifest, PublishedManifest } from '../campaign/artifacts';
import type { ContentHash } from './content-hash';
import type { ObjectInfo, ObjectSource } from './object-client';

/**
 * Content-addressed artifacts (`sha256/<hash>`) and the small manifests that name them (`campaigns/<id>/...`).
 *
 * Every method may throw ServerUnreachableError, StoreFailedError or, for refused credentials, StoreRefusedError (all retryable).
 */
export interface ArtifactStore {
  /** Where the objects live, for messages. */
  readonly location: string;

  /**
   * Stores bytes or a file under their hash; uploads only what is not there yet, or has lain there for an hour: who removes old
   * artifacts that no manifest names can tell by its time that this one was asked for.
   * Putting the same content twice, at once or after a kill, is harmless.
   */
  put(source: ObjectSource, mediaType: string): Promise<ArtifactRef>;

  /**
   * The artifact's bytes, their hash verified.
   * @throws ArtifactMissingError, ArtifactCorruptError (both retryable a few times): both name location and key.
   */
  get(ref: ArtifactRef): Promise<Uint8Array>;

  /**
   * Streams the artifact into `file`, replacing it only once the hash is verified.
   * @throws as `get`
   */
  getFile(ref: ArtifactRef, file: string): Promise<void>;

  /** Whether the artifact is there with its size; reads no bytes. */
  has(ref: ArtifactRef): Promise<boolean>;

  /**
   * Publishes a manifest where none is yet. If another attempt was first, its manifest is adopted: read and returned.
   * @throws ArtifactCorruptError if what another attempt left there is no manifest; BadInputError for an unusable key
   */
  publish(key: string, manifest: Manifest): Promise<PublishedManifest>;

  /** @throws ArtifactMissingError, ArtifactCorruptError */
  readManifest(key: string): Promise<Manifest>;

  /** As readManifest, but null where there is none. */
  findManifest(key: string): Promise<Manifest | null>;

  /** Keys (manifests and artifacts alike) under a prefix, sorted. */
  list(prefix: string): Promise<string[]>;

  /** As `list`, with sizes and times. */
  listObjects(prefix: string): Promise<ObjectInfo[]>;

  /** An object's bytes as they lie there, nothing verified: for copies and audits. Null where there is none. */
  readBytes(key: string): Promise<Uint8Array | null>;

  /** Hash and size of what lies under an artifact's key, in a stream; null where nothing does. */
  hashOf(ref: Pick<ArtifactRef, 'sha256'>): Promise<ContentHash | null>;

  /** Size and time of an object; null where there is none. */
  findObject(key: string): Promise<ObjectInfo | null>;

  /** Removes one object by key; no error if it is not there. For deleting a campaign's record. */
  remove(key: string): Promise<void>;

  /** Removes the parts of uploads that were begun before then and never came to an end. @returns how many uploads, also where `dryRun` */
  removeUnfinished(begunBeforeMs: number, dryRun: boolean): Promise<number>;

  /** Frees sockets. The store is not usable afterwards. */
  close(): void;
}

/** Key of an artifact: its content's hash. */
export function artifactKey(ref: Pick<ArtifactRef, 'sha256'>): string {
  return `sha256/${ref.sha256}`;
}

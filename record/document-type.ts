import { z } from 'zod';
import type { Manifest } from '../campaign/artifacts';
import { ArtifactCorruptError } from '../campaign/errors';
import type { ArtifactStore } from '../storage/artifact-store';
import { canonicalJson } from '../storage/canonical-json';
import { hashBytes } from '../storage/content-hash';
import { type KeyedManifest, type Parsed, parsedBy } from './json-file';
import type { KeyForm } from './keys';

/** Where manifests are read from and published: the store, or a cache before it. */
export type ManifestSource = Pick<ArtifactStore, 'findManifest' | 'readManifest' | 'publish'>;

/** A document of the record as it was read. */
export interface Recorded<Summary> extends KeyedManifest {
  readonly summary: Summary;
}

type Content<Summary extends object | undefined> = Pick<Manifest, 'files' | 'lineage'> & ([Summary] extends [undefined] ? { readonly summary?: undefined } : { readonly summary: Summary });

/** A kind of document: a manifest under keys of certain forms, with files and a summary of certain schemas. */
export class DocumentType<Summary extends object | undefined> {
  readonly kind: string;
  readonly forms: readonly Pick<KeyForm, 'parse'>[];
  /** Names of files that each has, beside those whose names are data. */
  readonly files: readonly string[];
  readonly #summary: z.ZodType<Summary>;

  constructor(kind: string, forms: readonly Pick<KeyForm, 'parse'>[], files: readonly { readonly name: string }[], summary: z.ZodType<Summary>) {
    this.kind = kind;
    this.forms = forms;
    this.files = files.map(({ name }) => name);
    this.#summary = summary;
  }

  /** Publishes a document, or adopts what another attempt published first. @throws ArtifactCorruptError for one that could not be read again */
  async publish(store: ManifestSource, key: string, content: Content<Summary>): Promise<Recorded<Summary> & { readonly adopted: boolean }> {
    const { files, lineage, summary } = content;
    const made: Manifest = { kind: this.kind, files, lineage, ...(summary !== undefined && { summary: Object.fromEntries(Object.entries(summary)) }) };
    this.of(key, made);
    const { manifest, adopted } = await store.publish(key, made);
    return { ...this.of(key, manifest), adopted };
  }

  /** Null where there is none. @throws ArtifactCorruptError */
  async find(store: ManifestSource, key: string): Promise<Recorded<Summary> | null> {
    const manifest = await store.findManifest(key);
    return manifest === null ? null : this.of(key, manifest);
  }

  /** @throws ArtifactMissingError, ArtifactCorruptError */
  async read(store: ManifestSource, key: string): Promise<Recorded<Summary>> {
    return this.of(key, await store.readManifest(key));
  }

  /** @throws ArtifactCorruptError for a manifest that is none of this kind */
  of(key: string, manifest: Manifest): Recorded<Summary> {
    const parsed = this.parse(key, manifest);
    if ('problem' in parsed) throw new ArtifactCorruptError(`${key}: ${parsed.problem}`);
    return parsed.value;
  }

  parse(key: string, manifest: Manifest): Parsed<Recorded<Summary>> {
    if (manifest.kind !== this.kind) return { problem: `expected a manifest of kind ${this.kind}, got ${manifest.kind}` };
    if (this.forms.every(({ parse }) => parse(key) === null)) return { problem: `no key of kind ${this.kind}` };
    const missing = this.files.find((name) => manifest.files[name] === undefined);
    if (missing !== undefined) return { problem: `names no ${missing}` };
    const parsed = parsedBy(this.#summary, manifest.summary);
    return 'problem' in parsed ? { problem: `summary: ${parsed.problem}` } : { value: { key, manifest, summary: parsed.value } };
  }
}

/** Of documents that say nothing in short. */
export const noSummary = z.undefined();

/** sha256 of a manifest as it is stored: how other manifests name it in their lineage. */
export function manifestSha256(manifest: Manifest): string {
  return hashBytes(new TextEncoder().encode(canonicalJson(manifest))).sha256;
}

import { type ArtifactRef, type Manifest, manifestSchema } from '../campaign/artifacts';
import { type CampaignInput } from '../campaign/campaign';
import { ArtifactCorruptError, ArtifactMissingError } from '../campaign/errors';
import { readAll } from '../record/bounded-reads';
import type { DocumentType, Recorded } from '../record/document-type';
import { inputFile } from '../record/documents/campaign';
import { type JsonFile, type KeyedManifest, SchemaMismatchError } from '../record/json-file';
import { type KeyForm, keyPrefixes, type KeyValues, manifestKeys } from '../record/keys';
import type { ArtifactStore } from '../storage/artifact-store';
import { canonicalJson } from '../storage/canonical-json';
import { hashBytes } from '../storage/content-hash';
import type { Findings } from './findings';

/** A manifest as it lies in the store. */
export interface RecordedManifest {
  readonly key: string;
  /** Of its bytes. */
  readonly sha256: string;
  readonly manifest: Manifest;
}

interface PlacedManifest<Template extends string> {
  readonly one: RecordedManifest;
  /** What its key says. */
  readonly at: KeyValues<Template>;
}

interface PlacedDocument<Summary, Template extends string> {
  readonly one: Recorded<Summary>;
  readonly at: KeyValues<Template>;
}

/** All manifests of a campaign but its checkpoints, and the artifacts that they name, for those who check them. */
export class CampaignRecord {
  readonly campaignId: string;
  /** False for an export without artifacts: then their content is left unchecked. */
  readonly hasArtifacts: boolean;
  readonly store: ArtifactStore;
  readonly #manifests = new Map<string, RecordedManifest>();
  readonly #hashes = new Map<string, string>();
  readonly #findings: Findings;
  readonly #json = new Map<unknown, unknown>();
  readonly #matching = new Map<unknown, readonly unknown[]>();

  private constructor(store: ArtifactStore, campaignId: string, hasArtifacts: boolean, findings: Findings) {
    this.store = store;
    this.campaignId = campaignId;
    this.hasArtifacts = hasArtifacts;
    this.#findings = findings;
  }

  static async read(store: ArtifactStore, campaignId: string, hasArtifacts: boolean, findings: Findings): Promise<CampaignRecord> {
    const record = new CampaignRecord(store, campaignId, hasArtifacts, findings);
    await record.catchUp();
    return record;
  }

  /** By key, in order, what was caught up with at the end. Unreadable ones are absent. */
  get manifests(): ReadonlyMap<string, RecordedManifest> {
    return this.#manifests;
  }

  /** Hash of every manifest's bytes, readable or not, by key. */
  get hashes(): ReadonlyMap<string, string> {
    return this.#hashes;
  }

  /** Reads what has been published since the record was read. @returns the new keys */
  async catchUp(): Promise<string[]> {
    const checkpoints = keyPrefixes.checkpoints(this.campaignId);
    const listed = await this.store.list(keyPrefixes.record(this.campaignId));
    const keys = listed.filter((key) => !key.startsWith(checkpoints) && !this.#hashes.has(key));
    const read = await readAll(keys, async (key) => {
      const bytes = await this.store.readBytes(key);
      return bytes === null ? null : { key, sha256: hashBytes(bytes).sha256, manifest: parseManifest(bytes) };
    });
    const added = read.filter((one) => one !== null);
    for (const { key, sha256, manifest } of added) {
      this.#hashes.set(key, sha256);
      if (manifest === null) this.#findings.add('manifest-changed', key, 'a manifest, as it was published', 'bytes that are none');
      else this.#manifests.set(key, { key, sha256, manifest });
    }
    this.#matching.clear();
    return added.map(({ key }) => key);
  }

  find(key: string): RecordedManifest | null {
    return this.manifests.get(key) ?? null;
  }

  /** Manifests whose key has this form. */
  matching<Template extends string>(form: KeyForm<Template>): readonly PlacedManifest<Template>[] {
    // Asked for once a manifest: of a campaign of thousands, each must not look at all.
    const known = this.#matching.get(form) as PlacedManifest<Template>[] | undefined;
    const found = known ?? [...this.manifests.values()].flatMap((one) => {
      const at = form.parse(one.key);
      return at === null ? [] : [{ one, at }];
    });
    this.#matching.set(form, found);
    return found;
  }

  /** Documents of a kind under keys of a form; those of another schema are named by the check of documents. */
  documents<Summary extends object | undefined, Template extends string>(type: DocumentType<Summary>, form: KeyForm<Template>): readonly PlacedDocument<Summary, Template>[] {
    return this.matching(form).flatMap(({ one, at }) => {
      const document = this.#as(type, one);
      return document === null ? [] : [{ one: document, at }];
    });
  }

  /** As `find`, of a kind. */
  document<Summary extends object | undefined>(type: DocumentType<Summary>, key: string): Recorded<Summary> | null {
    const one = this.find(key);
    return one === null ? null : this.#as(type, one);
  }

  #as<Summary extends object | undefined>(type: DocumentType<Summary>, { key, manifest }: RecordedManifest): Recorded<Summary> | null {
    const parsed = type.parse(key, manifest);
    return 'value' in parsed ? parsed.value : null;
  }

  /** The campaign's inputs; null where they cannot be read, which is a finding of others. */
  async input(): Promise<CampaignInput | null> {
    const campaign = this.find(manifestKeys.campaign(this.campaignId));
    return campaign === null ? null : this.json(campaign, inputFile);
  }

  /** A manifest's JSON file; null where it is missing, damaged, of another schema or not exported. Files of several manifests are read once. */
  async json<Value>({ manifest, key }: KeyedManifest, file: JsonFile<Value>): Promise<Value | null> {
    const ref = manifest.files[file.name];
    // Named by the check of documents.
    return ref === undefined ? null : this.artifact(ref, file, `${key}: ${file.name}`);
  }

  /** As `json`, of a reference. @param what names it */
  artifact<Value>(ref: ArtifactRef, file: JsonFile<Value>, what: string): Promise<Value | null> {
    const contents = (this.#json.get(file) ?? new Map()) as Map<string, Promise<Value | null>>;
    this.#json.set(file, contents);
    const known = contents.get(ref.sha256) ?? this.#read(ref, file, what);
    contents.set(ref.sha256, known);
    return known;
  }

  async #read<Value>(ref: ArtifactRef, file: JsonFile<Value>, what: string): Promise<Value | null> {
    try {
      return await file.get(this.store, ref);
    } catch (error) {
      if (error instanceof SchemaMismatchError) {
        this.#findings.add('schema', what, `what a ${file.name} holds`, error.problem);
        return null;
      }
      if (!this.hasArtifacts) this.#findings.leftUnchecked('content of artifacts that are not in this export');
      // Otherwise named by the check of all artifacts.
      if (error instanceof ArtifactMissingError || error instanceof ArtifactCorruptError) return null;
      throw error;
    }
  }
}

/** Null for bytes that `publish` would not have written. */
function parseManifest(bytes: Uint8Array): Manifest | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const manifest = manifestSchema.parse(JSON.parse(text));
    return canonicalJson(manifest) === text ? manifest : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError || (error as Error).name === 'ZodError') return null;
    throw error;
  }
}

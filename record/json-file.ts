import { z } from 'zod';
import type { ArtifactRef, Manifest } from '../campaign/artifacts';
import { ArtifactCorruptError } from '../campaign/errors';
import type { ArtifactStore } from '../storage/artifact-store';
import { canonicalJson } from '../storage/canonical-json';

/** A manifest with its key. */
export interface KeyedManifest {
  readonly key: string;
  readonly manifest: Manifest;
}

/** The artifact that a manifest names so. @throws ArtifactCorruptError where it names none */
export function fileOf({ key, manifest }: KeyedManifest, name: string): ArtifactRef {
  const ref = manifest.files[name];
  if (ref === undefined) throw new ArtifactCorruptError(`manifest ${key} names no ${name}`);
  return ref;
}

/** An artifact or a manifest has the bytes that were written, and they are not what this code writes. */
export class SchemaMismatchError extends ArtifactCorruptError {
  readonly problem: string;

  constructor(what: string, problem: string) {
    super(`${what}: ${problem}`);
    this.problem = problem;
  }
}

/** A kind of JSON artifact: its name in the manifests that name it, and its schema. */
export class JsonFile<Value> {
  readonly name: string;
  readonly #schema: z.ZodType<Value>;

  constructor(name: string, schema: z.ZodType<Value>) {
    this.name = name;
    this.#schema = schema;
  }

  /** Stores a value as canonical JSON: equal values share an artifact. @throws ZodError for one that could not be read again */
  put(store: ArtifactStore, value: Value): Promise<ArtifactRef> {
    this.#schema.parse(value);
    return store.put(new TextEncoder().encode(canonicalJson(value)), 'application/json');
  }

  /** @throws ArtifactMissingError, ArtifactCorruptError */
  async get(store: ArtifactStore, ref: ArtifactRef): Promise<Value> {
    const parsed = parsedBy(this.#schema, parsedJson(Buffer.from(await store.get(ref)).toString('utf8')));
    if ('problem' in parsed) throw new SchemaMismatchError(`sha256/${ref.sha256} is no ${this.name}`, parsed.problem);
    return parsed.value;
  }

  /** As `get`, of the file that a manifest names. */
  read(store: ArtifactStore, from: KeyedManifest): Promise<Value> {
    return this.get(store, this.refIn(from));
  }

  /** @throws ArtifactCorruptError where it names none */
  refIn(from: KeyedManifest): ArtifactRef {
    return fileOf(from, this.name);
  }
}

/** Undefined for a text that is no JSON. */
function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export type Parsed<Value> = { readonly value: Value } | { readonly problem: string };

/** The first problem in one line: where, and what was expected. */
export function parsedBy<Value>(schema: z.ZodType<Value>, json: unknown): Parsed<Value> {
  const result = schema.safeParse(json);
  if (result.success) return { value: result.data };
  const [issue] = result.error.issues;
  return { problem: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'something else'}` };
}

/** A list that nobody changes. */
export function list<Item extends z.ZodType>(item: Item) {
  return z.array(item).readonly();
}

/** Counts of what may be none. */
export const whole = z.number().int().nonnegative();
/** Counts and places from 1. */
export const positive = z.number().int().positive();
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

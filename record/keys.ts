/** Every key of a stored manifest: one template a kind, by which it is written and read. */

interface Field<Value> {
  /** Of a regular expression, without capturing groups. */
  readonly pattern: string;
  readonly write: (value: Value) => string;
  readonly read: (text: string) => Value;
}

function text(pattern: string): Field<string> {
  return { pattern, write: (value) => value, read: (found) => found };
}

const count: Field<number> = { pattern: '\\d+', write: String, read: Number };

/** A number that stands in a key unless it is `usual`. */
function unusual(mark: string, usual: number): Field<number> {
  return {
    pattern: `(?:\\${mark}\\d+)?`,
    write: (value = usual) => (value === usual ? '' : `${mark}${value}`),
    read: (found) => (found === '' ? usual : Number(found.slice(mark.length))),
  };
}

const FIELDS = {
  campaignId: text('[^/]+'),
  /** `epoch-1`, `epoch-2.v2`, `evaluation/self-edits`: as `scopes` gives it. */
  scope: text('epoch-\\d+(?:\\.v\\d+)?|evaluation/[^/]+'),
  contextId: text('[^/]+'),
  /** These count from 1. */
  ...{ epoch: count, candidate: count, repeat: count, pass: count, chunk: count, page: count, revision: count },
  /** A scope's positions that were asked in one request: the first and the last. */
  ...{ from: count, to: count },
  /** @default 1 */
  version: unusual('.v', 1),
  /** How often `retry-failed` has changed the campaign. @default 0 */
  retries: unusual('.r', 0),
  method: text('[^/]+?'),
  name: text('[^/]+'),
  training: text('[^/]+'),
  machine: text('[0-9a-f]{12}'),
  steps: { pattern: '\\d{12,16}', write: (steps: number) => String(steps).padStart(12, '0'), read: Number } satisfies Field<number>,
  sha256: text('[0-9a-f]{64}'),
  state: text('[a-z]+'),
  /** The first digits of a hash. */
  short: { pattern: '[0-9a-f]{12}', write: (sha256: string) => sha256.slice(0, 12), read: (found: string) => found } satisfies Field<string>,
  /** `epoch-1`, `campaign`, `ended/<run id>`. */
  archive: text('.+?'),
  /** The first digits of a hash. @default none */
  asked: { pattern: '(?:-[0-9a-f]{12})?', write: (sha256 = '') => (sha256 === '' ? '' : `-${sha256.slice(0, 12)}`), read: (found: string) => found.slice(1) } satisfies Field<string>,
  /** ISO 8601, to the millisecond. */
  at: {
    pattern: '\\d{8}T\\d{9}Z',
    write: (at: string) => at.replace(/[-:.]/g, ''),
    read: (found: string) => found.replace(/^(....)(..)(..)T(..)(..)(..)(...)Z$/, '$1-$2-$3T$4:$5:$6.$7Z'),
  } satisfies Field<string>,
  rest: text('.+'),
};

type Fields = typeof FIELDS;
type FieldName = keyof Fields;
type ValueOf<Name extends FieldName> = Fields[Name] extends Field<infer Value> ? Value : never;
type Names<Template extends string> = Template extends `${string}{${infer Name extends FieldName}}${infer Rest}` ? [Name, ...Names<Rest>] : [];
type Values<All extends readonly FieldName[]> = All extends [infer Name extends FieldName, ...infer Rest extends FieldName[]]
  ? [...(Name extends 'version' | 'retries' | 'asked' ? [value?: ValueOf<Name>] : [value: ValueOf<Name>]), ...Values<Rest>]
  : [];

/** Keys of one form. Called with the values of its template, in order, it gives a key. */
export interface KeyForm<Template extends string = string> {
  (...values: Values<Names<Template>>): string;
  /** The values of a key; null for a key of another form. */
  readonly parse: (key: string) => KeyValues<Template> | null;
}

export type KeyValues<Template extends string> = { readonly [Name in Names<Template>[number]]: ValueOf<Name> };

function keyForm<const Template extends string>(template: Template): KeyForm<Template> {
  // Literals and names of fields in turn.
  const parts = template.split(/[{}]/);
  const fieldOf = (name: string | undefined): Field<unknown> => FIELDS[name as FieldName] as Field<unknown>;
  const form = new RegExp(`^${parts.map((part, i) => (i % 2 === 0 ? part.replaceAll('.', '\\.') : `(?<${part}>${fieldOf(part).pattern})`)).join('')}$`);
  const write = (...values: readonly unknown[]): string => parts.map((part, i) => (i % 2 === 0 ? part : fieldOf(part).write(values[(i - 1) / 2]))).join('');
  const parse = (key: string): KeyValues<Template> | null => {
    const groups = form.exec(key)?.groups;
    return groups === undefined ? null : (Object.fromEntries(Object.entries(groups).map(([name, found]) => [name, fieldOf(name).read(found)])) as KeyValues<Template>);
  };
  return Object.assign(write, { parse });
}

function below<const Template extends string>(template: Template): KeyForm<`campaigns/{campaignId}/${Template}`> {
  return keyForm(`campaigns/{campaignId}/${template}`);
}

export const manifestKeys = {
  campaign: below('campaign.json'),
  /** Self-edits of a fixed chunk of contexts, before they are collected into `proposals`. */
  proposalsChunk: below('{scope}/proposals/chunk-{chunk}.json'),
  proposals: below('{scope}/proposals.json'),
  /** Answers of the scope's unadapted policy to the questions of a fixed chunk of contexts. */
  unadapted: below('{scope}/unadapted/chunk-{chunk}.json'),
  /** What a group's adapters answered in a repeat, before a judge has seen it. */
  rawAnswers: below('{scope}/raw-answers/{from}-{to}.r{repeat}.json'),
  /** The same of the scope's unadapted policy and a chunk of contexts. */
  rawUnadapted: below('{scope}/raw-answers/unadapted-{chunk}.json'),
  /** What an endpoint wrote for one candidate, kept as soon as it arrives. */
  endpointAnswer: below('{scope}/{contextId}/c{candidate}/endpoint.json'),
  /** A judge's verdict, named by what it was asked. */
  verdict: below('verdicts/{sha256}.json'),
  adapter: below('{scope}/{contextId}/c{candidate}/r{repeat}/adapter.json'),
  evaluation: below('{scope}/{contextId}/c{candidate}/r{repeat}/evaluation.json'),
  candidate: below('{scope}/{contextId}/c{candidate}/candidate.json'),
  /** Why a candidate failed in a pass over the scope's candidates. */
  failedCandidate: below('{scope}/{contextId}/c{candidate}/failed-{pass}.json'),
  selection: below('epoch-{epoch}{version}/selection.json'),
  policy: below('epoch-{epoch}{version}/policy.json'),
  /** Rows and losses of the M-step. */
  policyTraining: below('epoch-{epoch}{version}/policy-training.json'),
  method: below('evaluation/{method}{version}.json'),
  /** What a `retry-failed` changed: who asked for it and why, and which versions count since. */
  revision: below('revisions/{revision}.json'),
  /** One attempt's computation; nothing is made from it. */
  work: below('work/{scope}/{name}.json'),
  /** Of one training that is under way; their names are the attempts' in common. */
  checkpoint: below('checkpoints/{training}/{machine}-{steps}.json'),
  /** Of a completed campaign; after each `retry-failed` there is one more. */
  report: below('report{retries}.json'),
  /** Of a campaign that did not complete; named by its content, since a campaign may stop more than once. */
  partialReport: below('reports/{state}-{short}.json'),
  /** Histories of closed workflows, some hundred a page; `asked` tells one from another page of the same number. */
  historyPage: below('histories/{archive}/page-{page}{asked}.json'),
  /** The hashes of all other manifests; named by its own hash. */
  digest: below('digests/{sha256}.json'),
  /** Who deletes a campaign, since when and why; there as long as its deletion is not finished. */
  deletion: keyForm('tombstones/{campaignId}/pending.json'),
  /** Who has deleted a campaign and why, and when that began. */
  tombstone: keyForm('tombstones/{campaignId}/{at}.json'),
};

/** Of the candidate that a workflow stands for: its id has the key's form. */
export function candidateKeyOf(workflowId: string): string {
  return `campaigns/${workflowId}/candidate.json`;
}

/** Whatever belongs to a scope. */
export const inScope = below('{scope}/{rest}');

/** What the keys of several manifests begin with. */
export const keyPrefixes = {
  record: (campaignId: string): string => `campaigns/${campaignId}/`,
  scope: (campaignId: string, scope: string): string => `campaigns/${campaignId}/${scope}/`,
  revisions: (campaignId: string): string => `campaigns/${campaignId}/revisions/`,
  work: (campaignId: string): string => `campaigns/${campaignId}/work/`,
  checkpoints: (campaignId: string): string => `campaigns/${campaignId}/checkpoints/`,
  training: (campaignId: string, training: string): string => `campaigns/${campaignId}/checkpoints/${training}/`,
  histories: (campaignId: string): string => `campaigns/${campaignId}/histories/`,
  digests: (campaignId: string): string => `campaigns/${campaignId}/digests/`,
} as const;

/** Whether a name is the key of a campaign's manifest: a lineage names policies so. */
export function isManifestKey(name: string): boolean {
  return name.startsWith('campaigns/');
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { DOMAINS } from '../seal/domains/registry';

/** The part of JSON Schema that is walked here. */
interface Schema {
  description?: string;
  properties?: Record<string, Schema>;
  readonly default?: unknown;
}

/** A field as `docs/campaign-file.md` documents it: a row of one of its tables. */
export interface DocumentedField {
  readonly field: string;
  readonly meaning: string;
  readonly defaultText: string;
}

const ROW = /^\| `(?<field>[A-Za-z.]+)` \| (?<meaning>.*?) \| (?<defaultText>.*?) \| .*? \|$/gm;

/** Every documented field, in order. */
export function documentedFields(markdown: string): DocumentedField[] {
  return [...markdown.matchAll(ROW)].map(({ groups }) => ({
    field: groups?.['field'] ?? '',
    meaning: groups?.['meaning'] ?? '',
    defaultText: groups?.['defaultText'] ?? '',
  }));
}

/** A field of the schema: its path with dots, and its default where it has one. */
export interface SchemaField {
  readonly field: string;
  readonly defaultValue: unknown;
}

/** Every field of the campaign file that holds no further fields. */
export function schemaFields(): SchemaField[] {
  return leaves(campaignJsonSchema()).map(([field, schema]) => ({ field, defaultValue: schema.default }));
}

/** JSON Schema of the campaign file, its descriptions from the documentation, for editors. */
export function campaignFileSchema(markdown: string): object {
  const schema = campaignJsonSchema();
  const meanings = new Map(documentedFields(markdown).map(({ field, meaning }) => [field, meaning]));
  for (const [field, leaf] of leaves(schema)) {
    const meaning = meanings.get(field);
    if (meaning !== undefined) leaf.description = meaning.replaceAll('`', '');
  }
  return { title: 'SEAL campaign', ...schema };
}

function campaignJsonSchema(): Schema {
  return z.toJSONSchema(DOMAINS.campaignSchema, { io: 'input', target: 'draft-7' }) as Schema;
}

function leaves(schema: Schema, prefix = ''): [string, Schema][] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, inner]) =>
    inner.properties === undefined ? [[`${prefix}${name}`, inner] as [string, Schema]] : leaves(inner, `${prefix}${name}.`),
  );
}

/** `node dist/cli/campaign-schema.js > docs/campaign-file.schema.json` */
if (require.main === module) {
  const markdown = readFileSync(join(__dirname, '..', '..', 'docs', 'campaign-file.md'), 'utf8');
  process.stdout.write(`${JSON.stringify(campaignFileSchema(markdown), null, 2)}\n`);
}

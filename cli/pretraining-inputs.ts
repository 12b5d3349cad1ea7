import { mkdirSync, renameSync, writeFileSync, closeSync, openSync, writeSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { pretrainSpecSchema, type PretrainSpec } from '../campaign/pretrain-spec';
import { corpusSpecSchema, type CorpusSpec } from '../seal/domains/knowledge/world/corpus-spec';
import { pretrainingDocuments } from '../seal/domains/knowledge/world/pretraining-documents';
import { END_OF_TEXT, tokenizerFiles } from '../seal/domains/knowledge/world/vocabulary';
import { type WorldSpec, worldSpecSchema } from '../seal/domains/knowledge/world/world-spec';
import { readYamlFile } from './yaml-file';

export interface PretrainingPlan {
  readonly spec: PretrainSpec;
  readonly world: WorldSpec;
  readonly corpus: CorpusSpec;
}

/** @throws BadInputError naming the line and field */
export function readPretrainFile(file: string): PretrainingPlan {
  const { value: spec } = readYamlFile(file, pretrainSpecSchema.safeExtend({ corpus: corpusSpecSchema }));
  return { spec, world: readYamlFile(resolve(dirname(resolve(file)), spec.world), worldSpecSchema).value, corpus: spec.corpus };
}

const tokenizerSchema = z.object({ added_tokens: z.array(z.object({ id: z.number(), content: z.string() })) });

/** Writes the tokenizer that the model is trained with. @returns the id of the token that ends a document */
export function writeTokenizer(directory: string): number {
  mkdirSync(directory, { recursive: true });
  const files = tokenizerFiles();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const { added_tokens: added } = tokenizerSchema.parse(JSON.parse(files['tokenizer.json'] ?? '{}'));
  const end = added.find(({ content }) => content === END_OF_TEXT);
  if (end === undefined) throw new Error(`the world's tokenizer has no ${END_OF_TEXT}`);
  return end.id;
}

const FLUSH_CHARACTERS = 1 << 20;

/** Writes the corpus as JSONL, one document a line; complete or not there. @returns its path */
export function writeCorpus({ spec, world, corpus }: PretrainingPlan, directory: string): string {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'corpus.jsonl');
  const descriptor = openSync(`${file}.partial`, 'w');
  try {
    let pending = '';
    let count = 0;
    for (const document of pretrainingDocuments(world, corpus, spec.seed)) {
      if (count === spec.training.documents) break;
      count += 1;
      pending += `${JSON.stringify(document)}\n`;
      if (pending.length < FLUSH_CHARACTERS) continue;
      writeSync(descriptor, pending);
      pending = '';
    }
    writeSync(descriptor, pending);
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${file}.partial`, file);
  return file;
}

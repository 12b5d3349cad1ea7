import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../infra/stack/package-root';
import { writeTinyModel } from '../workflows/tiny-model';

const CANDIDATES = 16;
const LINES = 2;
const WORDS_A_LINE = 270;
/** The M-step has all lines of a self-edit in one row. */
const CONTEXT_LENGTH = 4096;
const WORDS = 'the cat sat on a mat by the sea and saw it all again'.split(' ');

/** A long line; others have the same words in another order. */
function line(k: number): string {
  return Array.from({ length: WORDS_A_LINE }, (_, i) => WORDS[(i * (k + 3) + k) % WORDS.length]).join(' ');
}

/** Recorded self-edits of a context, each line a row of some 460 tokens. */
export const SELF_EDITS: readonly (readonly string[])[] = Array.from({ length: CANDIDATES }, (_, candidate) =>
  Array.from({ length: LINES }, (_, i) => line(candidate + i)),
);

/** Writes `test/fixtures/memory` with its model and its contexts. */
export function writeHungryCampaign(directory: string): void {
  copyFileSync(join(packageRoot(), 'test', 'fixtures', 'memory', 'campaign.yaml'), join(directory, 'campaign.yaml'));
  writeTinyModel(join(directory, 'model'), 5, CONTEXT_LENGTH);
  const questions = [{ question: 'who sat', answer: 'the cat' }];
  const completions = SELF_EDITS.map((lines) => lines.join('\n'));
  const contexts = ['cat', 'dog'].map((title) => ({ title, context: `the ${title} sat`, questions, completions }));
  writeFileSync(join(directory, 'contexts.json'), JSON.stringify(contexts));
}

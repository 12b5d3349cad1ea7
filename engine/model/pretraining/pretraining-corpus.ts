import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { BadInputError } from '../../../campaign/errors';
import type { PretrainTraining } from '../../../campaign/pretrain-spec';
import type { Tokenizer } from '../../files/tokenizer';
import type { PackedStep, TokenDocument } from './pack-documents';

/** The corpus as tokens. @throws BadInputError naming the line that is no document */
export async function readDocuments({ corpusFile, eosTokenId }: { readonly corpusFile: string; readonly eosTokenId: number }, tokenizer: Tokenizer): Promise<TokenDocument[]> {
  const documents: TokenDocument[] = [];
  // Templates repeat: most segments were met before.
  const known = new Map<string, readonly number[]>();
  const encode = (text: string): readonly number[] => {
    const ids = known.get(text) ?? tokenizer.encodeCompletion(text);
    if (text.length < 80 && known.size < 200_000) known.set(text, ids);
    return ids;
  };
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(corpusFile), crlfDelay: Infinity })) {
    line += 1;
    const segments = parseDocument(text, `${corpusFile}:${line}`);
    const ids: number[] = [];
    const weights: number[] = [];
    for (const segment of segments) {
      for (const id of encode(segment.text)) {
        ids.push(id);
        weights.push(segment.lossWeight);
      }
    }
    documents.push({ ids: [...ids, eosTokenId], weights: [...weights, segments.at(-1)?.lossWeight ?? 1] });
  }
  return documents;
}

function parseDocument(line: string, where: string): { text: string; lossWeight: number }[] {
  const expected = 'a JSON object {"segments": [{"text", "lossWeight"}]}';
  try {
    const { segments } = JSON.parse(line) as { segments: { text: string; lossWeight: number }[] };
    if (Array.isArray(segments) && segments.every(({ text, lossWeight }) => typeof text === 'string' && Number.isFinite(lossWeight) && lossWeight >= 0)) return segments;
  } catch (cause) {
    throw new BadInputError({ where, expected, got: line.slice(0, 60) }, { cause });
  }
  throw new BadInputError({ where, expected, got: line.slice(0, 60) });
}

/** @throws BadInputError where no document fits a row, or a step's documents have no weight in the loss */
export function refuseNothingToLearn({ corpusFile, training }: { readonly corpusFile: string; readonly training: PretrainTraining }, steps: readonly PackedStep[]): void {
  if (steps.length === 0) {
    throw new BadInputError({ where: corpusFile, expected: `documents of at most ${training.length} tokens (training.length)`, got: 'none' });
  }
  const idle = steps.findIndex((step) => !step.flat().some(({ weights }) => weights.slice(1).some((weight) => weight > 0)));
  if (idle >= 0) {
    throw new BadInputError({ where: corpusFile, expected: 'a loss weight above 0 in every step', got: `none in step ${idle}` });
  }
}

import { BadInputError } from '../../../campaign/errors';
import type { ComputeProgress, GenerateRequest, GenerateResult, GenerateRow, GeneratedRow } from '../../../campaign/language-model';
import type { ModelConfig } from '../../files/model-config';
import { stackAdapters } from '../lora/adapter-stack';
import { planBlocks } from '../batches';
import { Decoder } from './decoder';
import { GeneratingRow, needsOnlyTokens } from './generating-row';
import { cacheBytesAToken } from './key-value-cache';
import type { LoadedModel } from '../loaded-model';
import { checkIds } from '../rows';

/** Of the rows that are run together. */
const CACHE_BYTES = 2 ** 31;

/**
 * Generates a completion for each prompt, greedily or by sampling, batched over rows and adapters with a key-value cache.
 *
 * A row ends at any EOS of the model, at a stop string or after `maxNewTokens` (sooner if the model's context is full); neither EOS nor
 * stop string is in its text or ids. What is run together follows from the request and the model alone.
 * @throws BadInputError for settings, a prompt or an adapter that do not fit the model
 */
export async function generate(
  model: LoadedModel,
  request: GenerateRequest,
  onProgress: (progress: ComputeProgress) => void,
): Promise<GenerateResult> {
  const started = performance.now();
  checkDecoding(request);
  const groups = request.groups.map(({ adapterDirectory, rows }, group) => ({
    adapterDirectory,
    rows: rows.map((row, index) => startRow(model, request, row, group, index)),
  }));
  const blocks = planBlocks(groups, rowsABatch(model.config, request, groups.flatMap(({ rows }) => rows)), request.memoryParts);
  const steps = Math.max(0, ...groups.flatMap(({ rows }) => rows.map(({ limit }) => limit)));
  const total = blocks.length * steps;
  for (const [i, { adapters, rows }] of blocks.entries()) {
    const stack = adapters === null ? null : stackAdapters(adapters, model.directory);
    const session = await model.decodingSession(stack?.layout ?? null, request.compute);
    const decoding = { session, config: model.config, onlyTokens: needsOnlyTokens(request) };
    await Decoder.run(decoding, stack, rows.map((ofAdapter) => ofAdapter.map(({ row }) => row)), (step) =>
      onProgress({ done: i * steps + step, total, unit: 'tokens' }),
    );
  }
  const results = groups.map(({ rows }): GeneratedRow[] => rows.map((row) => row.result()));
  const generatedTokens = results.flat().reduce((sum, { tokenIds }) => sum + tokenIds.length, 0);
  return { groups: results, generatedTokens, seconds: (performance.now() - started) / 1000 };
}

/** @throws BadInputError naming the field */
function checkDecoding({ maxNewTokens, temperature, topP, stop = [] }: GenerateRequest): void {
  const check = (isGood: boolean, where: string, expected: string, got: unknown): void => {
    if (!isGood) throw new BadInputError({ where, expected, got: JSON.stringify(got) });
  };
  check(Number.isInteger(maxNewTokens) && maxNewTokens >= 1, 'maxNewTokens', 'a whole number from 1', maxNewTokens);
  check(Number.isFinite(temperature) && temperature >= 0, 'temperature', 'a number from 0', temperature);
  check(topP > 0 && topP <= 1, 'topP', 'a number above 0, at most 1', topP);
  check(!stop.includes(''), 'stop', 'texts of at least one character', stop);
}

function startRow(model: LoadedModel, request: GenerateRequest, { prompt, hasSpecialTokens = false, parseSpecial = hasSpecialTokens, seed }: GenerateRow, group: number, index: number): GeneratingRow {
  const where = request.groups.length === 1 ? `prompt ${index + 1}` : `group ${group + 1}, prompt ${index + 1}`;
  const ids = hasSpecialTokens ? model.tokenizer.encodeCompletion(prompt, parseSpecial) : model.tokenizer.encodePrompt(prompt, parseSpecial);
  if (ids.length === 0) throw new BadInputError({ where, expected: 'at least one token', got: 'an empty prompt' });
  checkIds(ids, model.config, where);
  if (ids.length >= model.config.contextLength) {
    const expected = `fewer than ${model.config.contextLength} tokens (the model's context), to leave room for an answer`;
    throw new BadInputError({ where, expected, got: `${ids.length}` });
  }
  return new GeneratingRow(where, ids, request, model.tokenizer, model.config, seed ?? 0);
}

/** Rows whose cache stays within bounds however long they get. */
function rowsABatch(config: ModelConfig, { maxNewTokens }: GenerateRequest, rows: readonly GeneratingRow[]): number {
  const longest = Math.min(config.contextLength, maxNewTokens + Math.max(1, ...rows.map(({ length }) => length)));
  return Math.max(1, Math.floor(CACHE_BYTES / (longest * cacheBytesAToken(config))));
}

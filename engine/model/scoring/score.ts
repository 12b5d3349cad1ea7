import { NotFiniteError } from '../../../campaign/errors';
import type { ComputeProgress, ScoreRequest, ScoreResult, ScoredRow, TrainingRow } from '../../../campaign/language-model';
import { stackAdapters } from '../lora/adapter-stack';
import { type RowBlock, planBlocks } from '../batches';
import type { LoadedModel } from '../loaded-model';
import { type TokenRow, batchRows, tokeniseRow } from '../rows';
import { floats, integerTensor } from '../tensors';

/**
 * Log-probability of each row's completion given its prompt (of a text: given its first token), EOS left out.
 *
 * @throws BadInputError for a row or an adapter that does not fit the model; NotFiniteError naming the row
 */
export async function score(
  model: LoadedModel,
  request: ScoreRequest,
  onProgress: (progress: ComputeProgress) => void,
): Promise<ScoreResult> {
  const started = performance.now();
  const results = request.groups.map(({ rows }) => new Array<ScoredRow>(rows.length));
  const total = request.groups.reduce((sum, { rows }) => sum + rows.length, 0);
  let done = 0;
  for (const block of planBlocks(request.groups, Infinity, request.memoryParts)) {
    const scored = await scoreBlock(model, block, request);
    block.rows.forEach((rows, n) => {
      rows.forEach(({ group, index }, b) => {
        const row = (scored[n] as ScoredRow[])[b] as ScoredRow;
        if (!Number.isFinite(row.logprob)) {
          throw new NotFiniteError(`group ${group + 1}, row ${index + 1}: expected a finite log-probability, got ${row.logprob}`);
        }
        (results[group] as ScoredRow[])[index] = row;
      });
      done += rows.length;
    });
    onProgress({ done, total, unit: 'rows' });
  }
  return { groups: results, seconds: (performance.now() - started) / 1000 };
}

async function scoreBlock(model: LoadedModel, block: RowBlock<TrainingRow>, { compute, groups }: ScoreRequest): Promise<ScoredRow[][]> {
  const tokenRows = block.rows.map((rows) =>
    rows.map(({ row, group, index }) => {
      const where = groups.length === 1 ? `row ${index + 1}` : `group ${group + 1}, row ${index + 1}`;
      return tokeniseRow(row, model.tokenizer, model.config, { appendEos: false, where });
    }),
  );
  const stack = block.adapters === null ? null : stackAdapters(block.adapters, model.directory);
  const session = await model.scoringSession(stack?.layout ?? null, compute);
  const batch = batchRows(tokenRows);
  const { N, B, T } = batch;
  const results = await session.run({
    ids: integerTensor(batch.ids, [N, B, T]),
    positions: integerTensor(batch.positions, [B * N, T]),
    labels: integerTensor(batch.labels, [N, B * T]),
    ...stack?.feeds(),
  });
  const logProbabilities = floats(results['logProbabilities']);
  return tokenRows.map((rows, n) => rows.map((row, b) => sumRow(row, logProbabilities.subarray((n * B + b) * T, (n * B + b + 1) * T))));
}

/** The label at place t-1 is token t. */
function sumRow({ ids, lossFrom }: TokenRow, logProbabilities: Float32Array): ScoredRow {
  const logprob = logProbabilities.subarray(lossFrom - 1, ids.length - 1).reduce((a, b) => a + b, 0);
  return { logprob, tokens: ids.length - lossFrom };
}

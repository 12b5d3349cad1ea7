import { BadInputError } from '../../../campaign/errors';
import type { FineTuneRequest } from '../../../campaign/language-model';
import type { ModelDirectory } from '../../files/model-directory';
import { estimateTrainingMemory } from '../memory-estimate';
import { type TokenRow, packRows } from '../rows';
import { partsOfStep } from './step-feeds';
import type { JobPlan } from './training-run';

/** Rows of a run of the graph: N adapters of B lines of T tokens. */
interface RunSize {
  readonly N: number;
  readonly B: number;
  readonly T: number;
}

/**
 * Refuses a training that is expected to need more memory than the request allows, before anything of it is loaded.
 *
 * @throws BadInputError naming its largest step
 */
export function refuseBeyondMemory(model: ModelDirectory, request: FineTuneRequest, plans: readonly JobPlan[]): void {
  const { memoryLimitBytes, jobs, gradientCheckpointing = false, compute: { basePrecision = 'float32' } = {} } = request;
  const size = largestRun(plans);
  if (memoryLimitBytes === undefined || size === undefined) return;
  const { N, B, T } = size;
  // All have the room that the largest needs.
  const lora = { ...request.lora, rank: Math.max(...jobs.map((job) => job.lora?.rank ?? request.lora.rank)) };
  const { total } = estimateTrainingMemory(model, { lora, basePrecision, gradientCheckpointing, dropout: lora.dropout ?? 0, length: T, batch: B, adapters: N });
  if (total <= memoryLimitBytes) return;
  throw new BadInputError({
    where: 'memory',
    expected: `a training that fits into the ${gibibytes(memoryLimitBytes)} that are available`,
    got: `about ${gibibytes(total)} for its largest step, ${N === 1 ? '' : `${N} times `}${B} x ${T} tokens (a smaller batch, accumulation and gradient checkpointing need less)`,
  });
}

/** The run with the most tokens; undefined if there is none. */
function largestRun(plans: readonly JobPlan[]): RunSize | undefined {
  const steps = Math.max(0, ...plans.map((plan) => plan.steps.length));
  let largest: { readonly rows: readonly (readonly TokenRow[])[]; readonly tokens: number } | undefined;
  for (let step = 0; step < steps; step += 1) {
    const adapters = plans.flatMap(({ job: { optimiser }, steps: ofJob }) => {
      const rows = ofJob[step];
      return rows === undefined ? [] : [{ optimiser, rows }];
    });
    for (const rows of partsOfStep(adapters)) {
      const tokens = rows.length * Math.max(...rows.map((ofAdapter) => ofAdapter.reduce((sum, { ids }) => sum + ids.length, 0)));
      if (largest === undefined || tokens > largest.tokens) largest = { rows, tokens };
    }
  }
  return largest && packRows(largest.rows);
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

import { BadInputError } from '../contracts/errors';
import { PROJECTIONS, type LoraSettings, type Projection } from '../contracts/language-model';

/** Flags that shape an adapter; absent where the user said nothing. */
export interface LoraFlags {
  readonly rank?: number;
  readonly alpha?: number;
  readonly targets?: readonly Projection[];
}

const DEFAULTS: LoraSettings = { rank: 32, alpha: 64, targets: PROJECTIONS };

/**
 * The adapter's shape: from the flags, else from the adapter it starts from, else the defaults.
 * @throws BadInputError where a flag contradicts the adapter it starts from
 */
export function loraSettings(flags: LoraFlags, init: LoraSettings | undefined): LoraSettings {
  if (init !== undefined) {
    refuseOther('--rank', flags.rank, init.rank);
    refuseOther('--alpha', flags.alpha, init.alpha);
    refuseOther('--targets', flags.targets?.join(','), init.targets.join(','));
    return init;
  }
  return {
    rank: flags.rank ?? DEFAULTS.rank,
    alpha: flags.alpha ?? DEFAULTS.alpha,
    targets: flags.targets ?? DEFAULTS.targets,
  };
}

function refuseOther<Value extends string | number>(flag: string, got: Value | undefined, expected: Value): void {
  if (got === undefined || got === expected) return;
  throw new BadInputError({ where: flag, expected: `${expected}, as in --init-adapter`, got: String(got) });
}

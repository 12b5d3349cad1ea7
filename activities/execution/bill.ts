import { NOTHING_SPENT, type Spent, spentTogether } from '../../contracts/ledger';

/**
 * What a computation for several candidates cost. Every activity that waited for it takes the share of the positions that it asked for, and the
 * last one what is left, so that the shares that are taken add up to the whole: no second is counted twice or lost, whoever waited.
 */
export class Bill {
  readonly #shares: Map<number, Spent>;

  /**
   * @param total seconds are shared equally; redone steps fall to the first position; everybody saw the peak of memory
   * @param own what is known of a position by itself: tokens
   */
  constructor(positions: readonly number[], total: Partial<Spent>, own: (position: number) => Partial<Spent> = () => ({})) {
    const { trainSeconds, evaluateSeconds, generateSeconds, trainedTokens, generatedTokens, redoneSteps, peakMemoryBytes } = { ...NOTHING_SPENT, ...total };
    const n = positions.length;
    this.#shares = new Map(
      positions.map((position, i) => [
        position,
        spentTogether(own(position), {
          trainSeconds: trainSeconds / n,
          evaluateSeconds: evaluateSeconds / n,
          generateSeconds: generateSeconds / n,
          trainedTokens: trainedTokens / n,
          generatedTokens: generatedTokens / n,
          redoneSteps: i === 0 ? redoneSteps : 0,
          peakMemoryBytes,
        }),
      ]),
    );
  }

  /** The shares of these positions, or of all, as far as nobody has taken them yet. */
  take(positions: Iterable<number> = [...this.#shares.keys()]): Spent {
    let sum = NOTHING_SPENT;
    for (const position of positions) {
      sum = spentTogether(sum, this.#shares.get(position) ?? {});
      this.#shares.delete(position);
    }
    return sum;
  }
}

const billsOfFailures = new WeakMap<Error, Bill>();

/** A computation that failed has its cost too: it travels with the error to everybody who waited. */
export function attachBill(error: unknown, bill: Bill): void {
  if (error instanceof Error) billsOfFailures.set(error, bill);
}

export function billOf(error: unknown): Bill | undefined {
  return error instanceof Error ? billsOfFailures.get(error) : undefined;
}

/**
 * Runs `work`, which tells what it has spent; should it fail, its error carries the bill.
 *
 * @param positions that share the cost of a failure
 */
export async function billed<Result>(positions: readonly number[], work: (spend: (spent: Partial<Spent>) => void) => Promise<Result>): Promise<Result> {
  let sum = NOTHING_SPENT;
  const spend = (spent: Partial<Spent>): void => {
    sum = spentTogether(sum, spent);
  };
  try {
    return await work(spend);
  } catch (error) {
    attachBill(error, new Bill(positions, spentTogether(sum, billOf(error)?.take() ?? {})));
    throw error;
  }
}

/** A document as tokens, each with its weight in the loss. */
export interface TokenDocument {
  readonly ids: readonly number[];
  readonly weights: readonly number[];
}

/** Documents that share the rows of one step: `rows[b]` follow each other in row b. */
export type PackedStep = readonly (readonly TokenDocument[])[];

/**
 * Packs documents, in their order, first-fit into steps of B rows of T tokens. A step is full when the next document fits into none of
 * its rows. Longer documents than a row are left out and counted.
 */
export function packDocuments(documents: Iterable<TokenDocument>, B: number, T: number): { steps: PackedStep[]; leftOut: number } {
  const steps: PackedStep[] = [];
  let rows: TokenDocument[][] = [];
  let free: number[] = [];
  let leftOut = 0;
  const open = (): void => {
    rows = Array.from({ length: B }, () => []);
    free = new Array<number>(B).fill(T);
    steps.push(rows);
  };
  for (const document of documents) {
    const size = document.ids.length;
    if (size > T) {
      leftOut += 1;
      continue;
    }
    let row = free.findIndex((room) => room >= size);
    if (row < 0 || steps.length === 0) {
      open();
      row = 0;
    }
    (rows[row] as TokenDocument[]).push(document);
    free[row] = (free[row] as number) - size;
  }
  return { steps, leftOut };
}

/** Arrays [B, T] for the pretraining graph. Padding is a document of its own, without weight. */
export interface PackedBatch {
  readonly ids: BigInt64Array;
  readonly positions: BigInt64Array;
  readonly segments: BigInt64Array;
  readonly labels: BigInt64Array;
  /** Sum to 1. */
  readonly weights: Float32Array;
  readonly tokens: number;
}

export function packedBatch(step: PackedStep, T: number): PackedBatch {
  const size = step.length * T;
  const [ids, positions, segments, labels] = Array.from({ length: 4 }, () => new BigInt64Array(size)) as [
    BigInt64Array,
    BigInt64Array,
    BigInt64Array,
    BigInt64Array,
  ];
  const weights = new Float32Array(size);
  let total = 0;
  let tokens = 0;
  step.forEach((documents, b) => {
    let at = b * T;
    documents.forEach((document, number) => {
      document.ids.forEach((id, t) => {
        ids[at + t] = BigInt(id);
        positions[at + t] = BigInt(t);
        segments[at + t] = BigInt(number + 1);
        if (t === 0) return;
        const weight = document.weights[t] as number;
        labels[at + t - 1] = BigInt(id);
        weights[at + t - 1] = weight;
        total += weight;
      });
      at += document.ids.length;
      tokens += document.ids.length;
    });
  });
  return { ids, positions, segments, labels, weights: weights.map((weight) => weight / total), tokens };
}

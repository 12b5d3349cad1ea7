import { type TokenDocument, packDocuments, packedBatch } from '../../../../engine/model/pretraining/pack-documents';

const document = (size: number, id: number, weight = 1): TokenDocument => ({
  ids: new Array<number>(size).fill(id),
  weights: new Array<number>(size).fill(weight),
});

describe('packDocuments', () => {
  test('first-fit: a later document may fill an earlier row', () => {
    const [a, b, c] = [document(5, 1), document(6, 2), document(3, 3)];
    expect(packDocuments([a, b, c], 2, 8).steps).toEqual([[[a, c], [b]]]);
  });

  test('opens a step when a document fits nowhere', () => {
    const { steps } = packDocuments([document(5, 1), document(6, 2), document(4, 3)], 2, 8);
    expect(steps.map((rows) => rows.map((row) => row.length))).toEqual([[1, 1], [1, 0]]);
  });

  test('leaves out and counts what is longer than a row', () => {
    expect(packDocuments([document(9, 1), document(2, 2)], 1, 8)).toMatchObject({ leftOut: 1, steps: { length: 1 } });
  });
});

describe('packedBatch', () => {
  const batch = packedBatch([[document(3, 7, 2), document(2, 8, 4)], []], 6);

  test('positions restart and segments differ with each document; padding is segment 0', () => {
    expect(Array.from(batch.positions.slice(0, 6), Number)).toEqual([0, 1, 2, 0, 1, 0]);
    expect(Array.from(batch.segments.slice(0, 6), Number)).toEqual([1, 1, 1, 2, 2, 0]);
  });

  test('no document predicts the first token of the next', () => {
    // Weights 2, 2 for the first document's two predictions, 4 for the second's one: 8 in all.
    expect([...batch.weights.slice(0, 6)]).toEqual([0.25, 0.25, 0, 0.5, 0, 0]);
    expect(Array.from(batch.labels.slice(0, 6), Number)).toEqual([7, 7, 0, 8, 0, 0]);
  });

  test('counts document tokens only', () => {
    expect(batch.tokens).toBe(5);
  });
});

import { methodsTable } from '../../cli/methods-table';
import { sampleDocument } from '../report/sample-document';

const { report } = sampleDocument();

test('what of a method counts as unadapted is said below the scores', () => {
  expect(methodsTable(report).split('\n')).toContain('self-edits: 2 self-edits rejected, 1 training diverged, of 60; counted as the unadapted policy answers.');
});

test('a difference by rounding alone has no sign of a loss', () => {
  const [comparison] = report.comparisons;
  const text = methodsTable({ ...report, comparisons: [{ ...comparison!, difference: -1e-17 }, { ...comparison!, difference: -0.01 }] });
  expect(text).toContain('+0.0000 +- 0.0150');
  expect(text).toContain('-0.0100 +- 0.0150');
});

test('of an epoch in which every context has equal rewards a line says that selection says nothing', () => {
  const lines = methodsTable(report).split('\n');
  expect(lines).toContain('Epoch 2: in every context all rewards are equal, so that selection kept what was proposed first and says nothing.');
  expect(lines.filter((line) => line.startsWith('Epoch 1'))).toEqual([]);
});

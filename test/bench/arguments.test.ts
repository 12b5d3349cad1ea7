import { parseArguments } from '../../bench/arguments';
import { DEFAULT_GROUPS } from '../../bench/groups';
import { formatted, ratio, type Row } from '../../bench/table';
import { BadInputError } from '../../campaign/errors';

describe('the arguments of the benchmark', () => {
  it('are every group that needs no device where none is named', () => {
    expect(parseArguments([])).toEqual({ groups: DEFAULT_GROUPS, quick: false });
    expect(DEFAULT_GROUPS).not.toContain('gpu');
  });

  it('name groups in the order in which they are measured, and a file', () => {
    expect(parseArguments(['nano', 'gpu', '--json', 'rows.json', '--quick'])).toEqual({ groups: ['nano', 'gpu'], json: 'rows.json', quick: true });
  });

  it.each([[['nano', 'speed'], 'speed'], [['--json'], 'nothing'], [['toString'], 'toString']])('refuse %j', (words, got) => {
    expect(() => parseArguments(words)).toThrow(BadInputError);
    expect(() => parseArguments(words)).toThrow(`got ${got}`);
  });
});

describe('a row of the table', () => {
  const row: Row = { group: 'step', work: 'a step', peer: 'a peer', unit: 'ms', ours: 20, theirs: 50 };

  it('says how many times ours goes into theirs', () => {
    expect(ratio(row)).toBe(2.5);
    expect(formatted(row)).toMatch(/a step +a peer +20\.0 ms +50\.0 ms +2\.50x$/);
  });

  it('without a figure has no ratio, and says why', () => {
    const missing = { ...row, theirs: null, note: 'not measured: no peer' };
    expect(ratio(missing)).toBeNull();
    expect(formatted(missing)).toMatch(/20\.0 ms +- +- {2}not measured: no peer$/);
  });
});

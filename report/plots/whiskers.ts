import type { Comparison, MethodScore } from '../../campaign/campaign';
import { centredLabel, NARROW_PX, type PlotLibrary, type PlotOptions } from './plot-library';
import { scoreUnit } from './score-unit';

const ROW_PX = 34;
const CHARACTER_PX = 6.6;

interface WhiskerMark {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The axis of values. `zero`: it reaches to zero, where there is a line. */
interface ValueAxis {
  readonly unit: string;
  readonly zero: boolean;
}

/** A dot with a bar of one standard error either way for each method. */
export function scoreWhiskers(Plot: PlotLibrary, methods: readonly MethodScore[], grader: string, widthPx: number): PlotOptions {
  const marks = methods.map(({ name, score, standardError }) => ({ name, value: score, low: score - standardError, high: score + standardError }));
  return whiskers(Plot, marks, { unit: scoreUnit(grader), zero: grader !== 'logprob' }, widthPx);
}

/** A dot with a bar of one paired standard error either way for each comparison. */
export function differenceWhiskers(Plot: PlotLibrary, comparisons: readonly Comparison[], grader: string, widthPx: number): PlotOptions {
  const marks = comparisons.map(({ a, b, difference, pairedStandardError }) => ({
    name: `${a} − ${b}`,
    value: difference,
    low: difference - pairedStandardError,
    high: difference + pairedStandardError,
  }));
  return whiskers(Plot, marks, { unit: `difference in ${scoreUnit(grader)}`, zero: true }, widthPx);
}

function whiskers(Plot: PlotLibrary, marks: readonly WhiskerMark[], { unit, zero }: ValueAxis, widthPx: number): PlotOptions {
  const narrow = widthPx < NARROW_PX;
  const longest = Math.max(0, ...marks.map(({ name }) => name.length));
  const cap = narrow ? 18 : 11;
  const bar = { y: 'name', stroke: 'var(--mark)', strokeWidth: 2 };
  const halo = { fill: 'currentColor', stroke: 'var(--page)', strokeWidth: 4 };
  return {
    width: widthPx,
    height: 60 + marks.length * (narrow ? ROW_PX + 14 : ROW_PX),
    marginLeft: narrow ? 12 : Math.ceil(longest * CHARACTER_PX) + 16,
    marginRight: 48,
    marginTop: narrow ? 12 : 8,
    marginBottom: 40,
    x: { ...centredLabel(unit), grid: true, nice: true, ticks: narrow ? 4 : 8, zero },
    y: { domain: marks.map(({ name }) => name), label: null },
    marks: [
      ...(zero ? [Plot.ruleX([0], { stroke: 'var(--muted)' })] : []),
      narrow
        ? Plot.axisY({ tickSize: 0, textAnchor: 'start', dx: 12, dy: -19, label: null, ...halo })
        : Plot.axisY({ tickSize: 0, label: null }),
      Plot.ruleY(marks, { ...bar, x1: 'low', x2: 'high' }),
      Plot.tickX(marks, { ...bar, x: 'low', insetTop: cap, insetBottom: cap }),
      Plot.tickX(marks, { ...bar, x: 'high', insetTop: cap, insetBottom: cap }),
      Plot.dot(marks, { y: 'name', x: 'value', r: narrow ? 4 : 5, fill: 'var(--mark)', stroke: 'var(--page)', strokeWidth: 1.5 }),
      Plot.text(marks, { y: 'name', x: 'high', dx: 8, textAnchor: 'start', text: (mark: WhiskerMark) => figure(mark.value), ...halo }),
    ],
  };
}

/** Three digits after the point, with the sign that the tables use. */
function figure(value: number): string {
  return value.toFixed(3).replace('-', '−');
}

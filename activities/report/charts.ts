import type * as PlotModule from '@observablehq/plot' with { 'resolution-mode': 'import' };
import type { Comparison, MethodScore } from '../../contracts/campaign';
import type { CandidateRow } from './report-document';

type PlotLibrary = typeof PlotModule;

/** Draws charts as SVG text. Colours are CSS variables of the page: --mark, --mark-kept, --muted, --page. */
export interface Charts {
  /** A dot with a bar of one standard error either way for each method. */
  scores(methods: readonly MethodScore[], grader: string, widthPx: number): string;
  /** A dot with a bar of one paired standard error either way for each comparison. */
  differences(comparisons: readonly Comparison[], grader: string, widthPx: number): string;
  /** One histogram of rewards an epoch, what selection kept in a second colour. */
  rewards(candidates: readonly CandidateRow[], grader: string, widthPx: number): string;
}

/** Below this width names stand above their marks instead of left of them. */
const NARROW_PX = 480;
const ROW_PX = 34;
const CHARACTER_PX = 6.6;
const STYLE = { fontFamily: 'inherit', fontSize: '12px', background: 'none', color: 'inherit' };

/** Plot and the DOM it draws into are ES modules and are loaded on first use. */
export async function loadCharts(): Promise<Charts> {
  const [Plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  const { document } = parseHTML('<!doctype html><html><body></body></html>') as { readonly document: object };
  const draw = (options: Parameters<PlotLibrary['plot']>[0]): string =>
    (Plot.plot({ document, style: STYLE, ...options }) as { readonly outerHTML: string }).outerHTML;
  return {
    scores: (methods, grader, widthPx) => draw(whiskers(Plot, methods.map(scoreMark), { unit: scoreUnit(grader), zero: grader !== 'logprob' }, widthPx)),
    differences: (comparisons, grader, widthPx) =>
      draw(whiskers(Plot, comparisons.map(differenceMark), { unit: `difference in ${scoreUnit(grader)}`, zero: true }, widthPx)),
    rewards: (candidates, grader, widthPx) => draw(histograms(Plot, candidates, grader, widthPx)),
  };
}

/** The unit of a score or a reward, for an axis. */
export function scoreUnit(grader: string): string {
  return grader === 'logprob' ? 'log-probability per answer token (nats)' : 'accuracy (fraction of questions)';
}

/** Three digits after the point, with the sign that the tables use. */
function figure(value: number): string {
  return value.toFixed(3).replace('-', '−');
}

/** With the grader `logprob` a reward is a gain over the unadapted policy. */
function rewardUnit(grader: string): string {
  return grader === 'logprob' ? `reward: gain in ${scoreUnit(grader)}` : `reward: ${scoreUnit(grader)}`;
}

/** Half a candidate has no tick. */
function wholeNumber(count: number): string {
  return Number.isInteger(count) ? String(count) : '';
}

interface WhiskerMark {
  readonly name: string;
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

function scoreMark({ name, score, standardError }: MethodScore): WhiskerMark {
  return { name, value: score, low: score - standardError, high: score + standardError };
}

function differenceMark({ a, b, difference, pairedStandardError }: Comparison): WhiskerMark {
  return { name: `${a} − ${b}`, value: difference, low: difference - pairedStandardError, high: difference + pairedStandardError };
}

/** The axis of values. `zero`: it reaches to zero, where there is a line. */
interface ValueAxis {
  readonly unit: string;
  readonly zero: boolean;
}

function whiskers(
  Plot: PlotLibrary,
  marks: readonly WhiskerMark[],
  { unit, zero }: ValueAxis,
  widthPx: number,
): Parameters<PlotLibrary['plot']>[0] {
  const narrow = widthPx < NARROW_PX;
  const longest = Math.max(0, ...marks.map(({ name }) => name.length));
  const cap = narrow ? 18 : 11;
  const y = { domain: marks.map(({ name }) => name), label: null };
  return {
    width: widthPx,
    height: 60 + marks.length * (narrow ? ROW_PX + 14 : ROW_PX),
    marginLeft: narrow ? 12 : Math.ceil(longest * CHARACTER_PX) + 16,
    marginRight: 48,
    marginTop: narrow ? 12 : 8,
    marginBottom: 40,
    x: { label: unit, labelArrow: 'none', labelAnchor: 'center', grid: true, nice: true, ticks: narrow ? 4 : 8, zero },
    y,
    marks: [
      ...(zero ? [Plot.ruleX([0], { stroke: 'var(--muted)' })] : []),
      narrow
        ? Plot.axisY({ tickSize: 0, textAnchor: 'start', dx: 12, dy: -19, label: null, fill: 'currentColor', stroke: 'var(--page)', strokeWidth: 4 })
        : Plot.axisY({ tickSize: 0, label: null }),
      Plot.ruleY(marks, { y: 'name', x1: 'low', x2: 'high', stroke: 'var(--mark)', strokeWidth: 2 }),
      Plot.tickX(marks, { y: 'name', x: 'low', stroke: 'var(--mark)', strokeWidth: 2, insetTop: cap, insetBottom: cap }),
      Plot.tickX(marks, { y: 'name', x: 'high', stroke: 'var(--mark)', strokeWidth: 2, insetTop: cap, insetBottom: cap }),
      Plot.dot(marks, { y: 'name', x: 'value', r: narrow ? 4 : 5, fill: 'var(--mark)', stroke: 'var(--page)', strokeWidth: 1.5 }),
      Plot.text(marks, { y: 'name', x: 'high', dx: 8, textAnchor: 'start', text: (mark: WhiskerMark) => figure(mark.value), fill: 'currentColor', stroke: 'var(--page)', strokeWidth: 4 }),
    ],
  };
}

const MOST_LEVELS = 12;
const PLAIN_BINS = 12;

/**
 * Edges of the bins. Accuracies over q questions fall on multiples of 1/q: there each bin is centred on one of them,
 * so that no gap between bars is an artefact. Others are cut evenly between the lowest and the highest.
 */
function binEdges(rewards: readonly number[], grader: string): number[] {
  if (grader !== 'logprob') {
    for (let levels = 1; levels <= MOST_LEVELS; levels += 1) {
      if (rewards.every((reward) => Math.abs(reward * levels - Math.round(reward * levels)) < 1e-3 * levels)) {
        return Array.from({ length: levels + 2 }, (_, edge) => (edge - 0.5) / levels);
      }
    }
  }
  const low = Math.min(...rewards);
  const step = (Math.max(...rewards) - low) / PLAIN_BINS || 1;
  // Half a bin beyond either end, so that no reward stands on an edge.
  return Array.from({ length: PLAIN_BINS + 2 }, (_, edge) => low + (edge - 0.5) * step);
}

function histograms(Plot: PlotLibrary, candidates: readonly CandidateRow[], grader: string, widthPx: number): Parameters<PlotLibrary['plot']>[0] {
  const scored = candidates
    .filter((candidate) => candidate.reward !== null)
    .map((candidate) => ({ reward: candidate.reward, epoch: `epoch ${candidate.epoch}`, kept: candidate.selected ? 'kept' : 'not kept' }));
  const epochs = [...new Set(scored.map(({ epoch }) => epoch))];
  const thresholds = binEdges(scored.map(({ reward }) => reward ?? 0), grader);
  const bars = { x: 'reward', fill: 'kept', fy: 'epoch', order: ['kept', 'not kept'], insetLeft: 1, thresholds };
  return {
    width: widthPx,
    height: 60 + Math.max(1, epochs.length) * 120,
    marginLeft: 44,
    marginRight: 12,
    marginTop: 32,
    marginBottom: 40,
    x: { label: rewardUnit(grader), labelArrow: 'none', labelAnchor: 'center', nice: true },
    y: { label: 'candidates', labelArrow: 'none', grid: true, ticks: 4, tickFormat: wholeNumber },
    fy: { domain: epochs, axis: null, padding: 0.18 },
    color: { domain: ['not kept', 'kept'], range: ['var(--mark-rest)', 'var(--mark)'] },
    marks: [
      Plot.rectY(scored, Plot.binX({ y: 'count' }, bars)),
      Plot.ruleY([0], { stroke: 'var(--muted)' }),
      Plot.text(epochs, { fy: (epoch: string) => epoch, text: (epoch: string) => epoch, frameAnchor: 'top-right', dy: -12, fontWeight: 600 }),
    ],
  };
}

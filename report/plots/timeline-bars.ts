import { WORK_KINDS } from '../../campaign/work';
import type { CampaignTimeline, TimelineBar } from '../../record/documents/report';
import { centredLabel, NARROW_PX, type PlotLibrary, type PlotOptions } from './plot-library';

const LANE_PX = 30;
/** Room for a lane's name above it, where there is none beside it. */
const NAME_PX = 18;
/** Digits and an @ are wider than letters. */
const CHARACTER_PX = 7.6;
const LONGEST_NAME = 28;
/** Lanes drawn: those of the busiest workers. */
export const MOST_LANES = 20;

/** A lane a worker, a bar for what it computed, coloured by kind; what failed is hollow. */
export function timelineBars(Plot: PlotLibrary, timeline: CampaignTimeline, widthPx: number): PlotOptions {
  const narrow = widthPx < NARROW_PX;
  const lanes = shownLanes(timeline);
  const { unit, seconds } = timeUnit(timeline.spanSeconds);
  const bars = timeline.bars
    .filter(({ worker }) => lanes.includes(worker))
    .map((bar) => ({ ...bar, lane: laneName(bar.worker), from: bar.startSeconds / seconds, to: bar.endSeconds / seconds }));
  const names = lanes.map(laneName);
  const longest = Math.max(0, ...names.map((name) => name.length));
  const span = { y: 'lane', x1: 'from', x2: 'to', insetTop: narrow ? NAME_PX : 5, insetBottom: narrow ? 2 : 5, title: barTitle };
  const done = bars.filter(({ outcome }) => outcome === 'done');
  return {
    width: widthPx,
    height: 44 + names.length * (narrow ? LANE_PX + NAME_PX : LANE_PX),
    marginLeft: narrow ? 12 : Math.ceil(longest * CHARACTER_PX) + 16,
    marginRight: 16,
    marginTop: 4,
    marginBottom: 40,
    x: { ...centredLabel(`${unit} since the first computation`), grid: true, ticks: narrow ? 4 : 8, domain: [0, timeline.spanSeconds / seconds] },
    y: { domain: names, label: null, padding: 0.1 },
    color: { domain: [...WORK_KINDS], range: WORK_KINDS.map((kind) => `var(--kind-${kind})`) },
    marks: [
      narrow
        ? Plot.axisY({ tickSize: 0, textAnchor: 'start', dx: 12, dy: -15, label: null, fill: 'currentColor', stroke: 'var(--page)', strokeWidth: 4 })
        : Plot.axisY({ tickSize: 0, label: null }),
      Plot.rect(done, { ...span, fill: 'kind', stroke: 'kind', strokeWidth: 0.5 }),
      Plot.rect(bars.filter(({ outcome }) => outcome !== 'done'), { ...span, fill: 'none', stroke: 'var(--bad)', strokeWidth: 2 }),
    ],
  };
}

/** The busiest workers, in the order in which they began. */
function shownLanes({ workers }: CampaignTimeline): string[] {
  const busiest = [...workers].sort((a, b) => b.busySeconds - a.busySeconds).slice(0, MOST_LANES);
  return workers.filter((worker) => busiest.includes(worker)).map(({ worker }) => worker);
}

/** A process id is what tells workers of one host apart, and it comes first. */
function laneName(worker: string): string {
  return worker.length <= LONGEST_NAME ? worker : `${worker.slice(0, LONGEST_NAME - 1)}…`;
}

function timeUnit(spanSeconds: number): { readonly unit: string; readonly seconds: number } {
  if (spanSeconds < 180) return { unit: 'seconds', seconds: 1 };
  if (spanSeconds < 3 * 3600) return { unit: 'minutes', seconds: 60 };
  return { unit: 'hours', seconds: 3600 };
}

function barTitle({ kind, scope, outcome, startSeconds, endSeconds, computations }: TimelineBar): string {
  const what = `${scope}: ${kind}${outcome === 'done' ? '' : `, ${outcome}`}`;
  return `${what}, ${(endSeconds - startSeconds).toFixed(1)} s${computations === 1 ? '' : ` (${computations} computations)`}`;
}

import type { CampaignLosses, EpochLosses, PolicyLosses } from '../../record/documents/report';
import { centredLabel, panelNames, panelOf, type PlotLibrary, type PlotOptions, shownEpochs, stackedPanels } from './plot-library';

const MOST_TICKS = 10;

/** Reaches to zero, unless all losses are so far above it that their differences would not show; a flat line has none. */
function lossAxis(losses: readonly number[]): NonNullable<PlotOptions['y']> {
  const [low, high] = losses.reduce(([least, most], loss) => [Math.min(least, loss), Math.max(most, loss)], [Infinity, 0]);
  return { label: 'loss (nats per token)', labelArrow: 'none', grid: true, ticks: 4, nice: true, zero: low < high / 2 || high - low < high / 1000 };
}

/** Median and band of the inner loop's losses, a facet an epoch. */
export function innerLoopCurves(
  Plot: PlotLibrary,
  epochs: readonly EpochLosses[],
  part: CampaignLosses['part'],
  widthPx: number,
): PlotOptions {
  const shown = shownEpochs(epochs.map(({ epoch }) => epoch));
  const panels = shown.map(panelOf);
  const points = epochs
    .filter(({ epoch }) => shown.includes(epoch))
    .flatMap(({ epoch, parts }) => parts.map(({ part: x, low, median, high }) => ({ panel: panelOf(epoch), x, low, median, high })));
  const last = points.reduce((most, { x }) => Math.max(most, x), 1);
  return {
    ...stackedPanels(panels, widthPx),
    x: {
      ...centredLabel(part === 'pass' ? 'pass over the self-edit\'s rows' : 'tenth of the fine-tune\'s steps'),
      domain: [1, Math.max(2, last)],
      ticks: last > MOST_TICKS ? MOST_TICKS : Array.from({ length: last }, (_, i) => i + 1),
      tickFormat: wholeNumber,
    },
    y: lossAxis(points.flatMap(({ low, high }) => [low, high])),
    marks: [
      Plot.areaY(points, { fy: 'panel', x: 'x', y1: 'low', y2: 'high', fill: 'var(--mark)', fillOpacity: 0.2 }),
      Plot.lineY(points, { fy: 'panel', x: 'x', y: 'median', stroke: 'var(--mark)', strokeWidth: 2 }),
      Plot.dot(points, { fy: 'panel', x: 'x', y: 'median', r: 3, fill: 'var(--mark)' }),
      Plot.frame({ anchor: 'bottom', stroke: 'var(--muted)' }),
      panelNames(Plot, panels),
    ],
  };
}

/** The M-step's loss by optimiser step, a facet an epoch. */
export function mStepCurves(Plot: PlotLibrary, epochs: readonly PolicyLosses[], widthPx: number): PlotOptions {
  const shown = shownEpochs(epochs.map(({ epoch }) => epoch));
  const panels = shown.map(panelOf);
  const points = epochs
    .filter(({ epoch }) => shown.includes(epoch))
    .flatMap(({ epoch, points: steps }) => steps.map(({ step, loss }) => ({ panel: panelOf(epoch), step: step + 1, loss })));
  return {
    ...stackedPanels(panels, widthPx),
    x: { ...centredLabel('optimiser step'), tickFormat: wholeNumber },
    y: lossAxis(points.map(({ loss }) => loss)),
    marks: [
      Plot.lineY(points, { fy: 'panel', x: 'step', y: 'loss', stroke: 'var(--kind-m-step)', strokeWidth: 1.5 }),
      ...(points.length <= 60 * panels.length ? [Plot.dot(points, { fy: 'panel', x: 'step', y: 'loss', r: 2, fill: 'var(--kind-m-step)' })] : []),
      Plot.frame({ anchor: 'bottom', stroke: 'var(--muted)' }),
      panelNames(Plot, panels),
    ],
  };
}

function wholeNumber(value: number): string {
  return Number.isInteger(value) ? String(value) : '';
}

import type { CandidateRow } from '../../record/documents/report';
import { centredLabel, panelNames, panelOf, type PlotLibrary, type PlotOptions, shownEpochs, stackedPanels } from './plot-library';
import { rewardUnit } from './score-unit';

const MOST_LEVELS = 12;
const PLAIN_BINS = 12;

/** One histogram of rewards an epoch, what selection kept in a second colour. */
export function rewardHistograms(Plot: PlotLibrary, candidates: readonly CandidateRow[], grader: string, widthPx: number): PlotOptions {
  const scored = candidates.flatMap(({ reward, epoch, selected }) => (reward === null ? [] : [{ reward, epoch, selected }]));
  const shown = shownEpochs(scored.map(({ epoch }) => epoch));
  const panels = shown.map(panelOf);
  const bars = scored
    .filter(({ epoch }) => shown.includes(epoch))
    .map(({ reward, epoch, selected }) => ({ reward, epoch: panelOf(epoch), kept: selected ? 'kept' : 'not kept' }));
  const thresholds = binEdges(bars.map(({ reward }) => reward), grader);
  const bins = { x: 'reward', fill: 'kept', fy: 'epoch', order: ['kept', 'not kept'], insetLeft: 1, thresholds };
  return {
    ...stackedPanels(panels, widthPx),
    x: { ...centredLabel(rewardUnit(grader)), nice: true },
    y: { label: 'candidates', labelArrow: 'none', grid: true, ticks: 4, tickFormat: wholeNumber },
    color: { domain: ['not kept', 'kept'], range: ['var(--mark-rest)', 'var(--mark)'] },
    marks: [
      Plot.rectY(bars, Plot.binX({ y: 'count' }, bins)),
      Plot.ruleY([0], { stroke: 'var(--muted)' }),
      panelNames(Plot, panels),
    ],
  };
}

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
  const [low, high] = rewards.reduce(([least, most], reward) => [Math.min(least, reward), Math.max(most, reward)], [Infinity, -Infinity]);
  const step = (high - low) / PLAIN_BINS || 1;
  // Half a bin beyond either end, so that no reward stands on an edge.
  return Array.from({ length: PLAIN_BINS + 2 }, (_, edge) => low + (edge - 0.5) * step);
}

/** Half a candidate has no tick. */
function wholeNumber(count: number): string {
  return Number.isInteger(count) ? String(count) : '';
}

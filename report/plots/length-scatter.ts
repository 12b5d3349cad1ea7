import { evenlySpaced } from '../../record/bounded-reads';
import type { CandidateRow } from '../../record/documents/report';
import { centredLabel, panelNames, panelOf, type PlotLibrary, type PlotOptions, shownEpochs, stackedPanels } from './plot-library';

/** Dots of an epoch. */
export const MOST_DOTS = 400;

/** A dot for each scored candidate: its self-edit's length and its reward, a facet an epoch. */
export function lengthScatter(Plot: PlotLibrary, candidates: readonly CandidateRow[], widthPx: number): PlotOptions {
  const scored = candidates.flatMap(({ epoch, reward, selfEditCharacters, selected }) =>
    reward === null || selfEditCharacters === null ? [] : [{ epoch, panel: panelOf(epoch), reward, characters: selfEditCharacters, selected }],
  );
  const shown = shownEpochs(scored.map(({ epoch }) => epoch));
  const panels = shown.map(panelOf);
  const dots = shown.flatMap((epoch) => evenlySpaced(scored.filter((one) => one.epoch === epoch), MOST_DOTS));
  const dot = { fy: 'panel', x: 'characters', y: 'reward', r: 3.5 };
  return {
    ...stackedPanels(panels, widthPx),
    x: { ...centredLabel('characters of the self-edit'), nice: true, ticks: 6 },
    y: { label: 'reward', labelArrow: 'none', grid: true, ticks: 4, nice: true },
    marks: [
      Plot.ruleY([0], { stroke: 'var(--muted)' }),
      Plot.dot(dots.filter(({ selected }) => !selected), { ...dot, stroke: 'var(--muted)', strokeWidth: 1.25, strokeOpacity: 0.8 }),
      Plot.dot(dots.filter(({ selected }) => selected), { ...dot, fill: 'var(--mark)', stroke: 'var(--page)', strokeWidth: 0.75 }),
      panelNames(Plot, panels),
    ],
  };
}

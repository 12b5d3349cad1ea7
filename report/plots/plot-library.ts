import type * as PlotModule from '@observablehq/plot' with { 'resolution-mode': 'import' };

import { allowed } from '../html';

export type PlotLibrary = typeof PlotModule;
export type PlotOptions = NonNullable<Parameters<PlotLibrary['plot']>[0]>;

/** Draws options as the text of an SVG element, which is announced by its label. */
export type Draw = (label: string, options: PlotOptions) => string;

/** Below this width names stand above their marks instead of left of them. */
export const NARROW_PX = 480;
/** Facets of a figure. */
export const MOST_PANELS = 6;
/** Facets are told apart by their names, which stand in their upper right corners. */
const PANEL_PX = 120;

const STYLE = { fontFamily: 'inherit', fontSize: '12px', background: 'none', color: 'inherit' };

/** Plot and the DOM it draws into are ES modules and are loaded on first use. */
export async function loadPlot(): Promise<{ readonly Plot: PlotLibrary; readonly draw: Draw }> {
  const [Plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  const { document } = parseHTML('<!doctype html><html><body></body></html>') as { readonly document: object };
  const draw: Draw = (label, options) => {
    // eslint-disable-next-line no-restricted-syntax -- Plot's types know a browser's elements only
    const svg = Plot.plot({ document, style: STYLE, ...options }) as unknown as {
      setAttribute(name: string, value: string): void;
      readonly outerHTML: string;
    };
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', label);
    return allowed(svg.outerHTML);
  };
  return { Plot, draw };
}

/** Which of the epochs have a facet: all, or as many as fit with the first and the last among them. */
export function shownEpochs(epochs: readonly number[]): number[] {
  const distinct = [...new Set(epochs)].sort((a, b) => a - b);
  if (distinct.length <= MOST_PANELS) return distinct;
  const places = Array.from({ length: MOST_PANELS }, (_, i) => Math.round((i * (distinct.length - 1)) / (MOST_PANELS - 1)));
  return places.map((place) => distinct[place]!);
}

/** A facet's name. */
export function panelOf(epoch: number): string {
  return `epoch ${epoch}`;
}

/** Names of facets, in their upper right corners. */
export function panelNames(Plot: PlotLibrary, panels: readonly string[]): PlotModule.Markish {
  return Plot.text(panels, { fy: (panel: string) => panel, text: (panel: string) => panel, frameAnchor: 'top-right', dy: -12, fontWeight: 600 });
}

/** Options that all figures of stacked facets share. */
export function stackedPanels(panels: readonly string[], widthPx: number): PlotOptions {
  return {
    width: widthPx,
    height: 60 + Math.max(1, panels.length) * PANEL_PX,
    marginLeft: 44,
    marginRight: 12,
    marginTop: 32,
    marginBottom: 40,
    fy: { domain: [...panels], axis: null, padding: 0.18 },
  };
}

/** Of an axis that says what it shows below its middle. */
export function centredLabel(label: string): { readonly label: string; readonly labelArrow: 'none'; readonly labelAnchor: 'center' } {
  return { label, labelArrow: 'none', labelAnchor: 'center' };
}

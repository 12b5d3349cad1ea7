import { inPartsSentence } from '../report/computed-in-parts';
import { tiedSentence } from '../report/tied-epochs';
import { unadaptedSentences } from '../report/unadapted-runs';
import type { Comparison } from '../campaign/campaign';
import type { CampaignReport } from '../record/documents/report';
import { tiedEpochs } from '../seal/report-data';

/** Decimals of a score. */
const FIGURES = 4;

/** The result as a terminal shows it: every method with its standard error, then the differences that answer a question. */
export function methodsTable({ methods, comparisons, epochs, lessMemory }: CampaignReport): string {
  if (methods.length === 0) return 'no method has been evaluated yet';
  const width = Math.max(...methods.map(({ name }) => name.length));
  const grader = methods[0]?.grader ?? '';
  const scores = methods.map(
    ({ name, score, standardError, meanSteps }) => `${name.padEnd(width)}  ${figure(score)} +- ${figure(standardError)}  ${meanSteps.toFixed(1).padStart(6)}`,
  );
  const shown = comparisons.filter(({ a, b }) => TOLD.some((pair) => pair.a.test(a) && pair.b.test(b)));
  const tied = tiedSentence(tiedEpochs(epochs));
  const inParts = inPartsSentence(lessMemory);
  return [
    `held-out score (${grader}, mean of ${methods[0]?.n ?? 0} contexts +- standard error; optimiser steps of a fine-tune)`,
    ...scores,
    ...unadaptedSentences(methods),
    ...(shown.length === 0 ? [] : ['', 'paired differences (+- paired standard error)', ...differenceLines(shown)]),
    ...(epochs.length === 0 ? [] : ['', ...epochs.map(epochLine)]),
    ...(tied === null ? [] : [tied]),
    ...(inParts === null ? [] : ['', inParts]),
  ].join('\n');
}

/** The comparisons a reader asks for; report.json has all of them. */
const TOLD = [
  { a: /^seal-epoch-\d+$/, b: /^self-edits$/ },
  { a: /^seal-epoch-\d+$/, b: /^passage-only-step-matched$/ },
] as const;

function differenceLines(comparisons: readonly Comparison[]): string[] {
  const width = Math.max(...comparisons.map(({ a, b }) => a.length + b.length + 3));
  return comparisons.map(
    ({ a, b, difference, pairedStandardError }) =>
      `${`${a} - ${b}`.padEnd(width)}  ${Number(figure(difference)) < 0 ? '-' : '+'}${figure(Math.abs(difference)).trim()} +- ${figure(pairedStandardError)}`,
  );
}

function epochLine({ epoch, proposed, cutOff, rejected, failed, kept, meanReward, bestReward }: CampaignReport['epochs'][number]): string {
  return `epoch ${epoch}: ${proposed} self-edits${cutOff === 0 ? '' : ` (${cutOff} cut off)`}, ${rejected} rejected, ${failed} failed, ${kept} kept; reward ${figure(meanReward)} mean, ${figure(bestReward)} best`;
}

function figure(value: number): string {
  return value.toFixed(FIGURES);
}

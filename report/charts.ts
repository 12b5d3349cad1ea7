import type { Comparison, MethodScore } from '../campaign/campaign';
import type { CampaignLosses, CampaignTimeline, CandidateRow, PolicyLosses } from '../record/documents/report';
import { lengthScatter } from './plots/length-scatter';
import { innerLoopCurves, mStepCurves } from './plots/loss-curves';
import { loadPlot } from './plots/plot-library';
import { rewardHistograms } from './plots/reward-histograms';
import { timelineBars } from './plots/timeline-bars';
import { differenceWhiskers, scoreWhiskers } from './plots/whiskers';

/** Draws charts as SVG text. Colours are CSS variables of the page. */
export interface Charts {
  scores(methods: readonly MethodScore[], grader: string, widthPx: number): string;
  differences(comparisons: readonly Comparison[], grader: string, widthPx: number): string;
  rewards(candidates: readonly CandidateRow[], grader: string, widthPx: number): string;
  innerLoop(losses: CampaignLosses, widthPx: number): string;
  mStep(losses: readonly PolicyLosses[], widthPx: number): string;
  lengths(candidates: readonly CandidateRow[], widthPx: number): string;
  timeline(timeline: CampaignTimeline, widthPx: number): string;
}

export async function loadCharts(): Promise<Charts> {
  const { Plot, draw } = await loadPlot();
  return {
    scores: (methods, grader, widthPx) => draw('held-out score by method', scoreWhiskers(Plot, methods, grader, widthPx)),
    differences: (comparisons, grader, widthPx) => draw('paired differences between methods', differenceWhiskers(Plot, comparisons, grader, widthPx)),
    rewards: (candidates, grader, widthPx) => draw('rewards of candidates by epoch', rewardHistograms(Plot, candidates, grader, widthPx)),
    innerLoop: ({ innerLoop, part }, widthPx) => draw('losses of the inner loop by epoch', innerLoopCurves(Plot, innerLoop, part, widthPx)),
    mStep: (losses, widthPx) => draw('losses of the M-step by epoch', mStepCurves(Plot, losses, widthPx)),
    lengths: (candidates, widthPx) => draw('length of self-edits and their reward by epoch', lengthScatter(Plot, candidates, widthPx)),
    timeline: (timeline, widthPx) => draw('what each worker computed when', timelineBars(Plot, timeline, widthPx)),
  };
}

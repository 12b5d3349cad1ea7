import type { UnadaptedTask } from '../../activities/activity-types';
import { findUnadapted } from '../../activities/evaluate-base';
import type { Services } from '../../activities/services';
import { mean } from '../../seal/statistics/statistics';
import type { ArtifactStore } from '../../storage/artifact-store';

/** A chunk's published mean scores, one a context. */
export async function unadaptedScores(store: ArtifactStore, task: UnadaptedTask): Promise<number[]> {
  const published = (await findUnadapted({ store } as Services, task)) ?? [];
  return published.map(({ answers }) => mean(answers.map(({ score }) => score)));
}

import type { SealActivities } from './activity-types';
import { rawAnswersKey, readRawAnswers } from './answers/raw-answers';
import { evaluatedMembers, examinedGroup, gradeGroup } from './candidates/graded-group';
import { asActivity } from './execution/running-activity';
import type { Services } from './services';

/**
 * Has a judge give the marks for what a group answered, and publishes its evaluations. Every verdict is stored as it arrives, so that
 * an attempt that follows asks for the rest only.
 *
 * @throws as `judgeAnswers`; ArtifactMissingError where nothing was answered yet
 */
export function gradeAdapters(services: Services): SealActivities['gradeAdapters'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async ({ signal }) => {
      const examined = await examinedGroup(services, task);
      const evaluations = examined.evaluations ?? (await gradeGroup(services, examined, await readRawAnswers(services, rawAnswersKey(task)), signal));
      return evaluatedMembers(services, task, examined, evaluations);
    });
}

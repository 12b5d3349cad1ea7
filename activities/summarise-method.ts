import { scopes } from '../campaign/campaign';
import { readAll, SharedFiles } from '../record/bounded-reads';
import { type Answer, answersOf, type EvaluationSummary, groupAnswersFile } from '../record/documents/candidates';
import { methodDocument, runsFile } from '../record/documents/methods';
import { manifestKeys } from '../record/keys';
import { chunkCount } from '../seal/algorithm/plan';
import { methodScore, type MethodRun, type MethodRuns } from '../seal/report-data';
import type { AdaptationScope, MethodTask, SealActivities } from './activity-types';
import { scopeRows } from './candidates/candidate-groups';
import { candidateAt } from './candidates/candidates';
import { findEvaluations } from './candidates/evaluation-manifests';
import { findUnadapted } from './evaluate-base';
import { asActivity } from './execution/running-activity';
import type { Services } from './services';

/** Publishes what a method scored on the held-out contexts, from the evaluations that are in the store. */
export function summariseMethod(services: Services): SealActivities['summariseMethod'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async () => {
      const { input } = await services.campaigns.read(task.campaign);
      const key = manifestKeys.method(input.campaignId, task.method, task.version);
      const known = await methodDocument.find(services.store, key);
      if (known !== null) return known.summary;
      const runs = task.source.kind === 'unadapted' ? await unadaptedRuns(services, task) : await adaptedRuns(services, task.source.scope, input.spec.evaluation.repeats);
      const method: MethodRuns = { name: task.method, grader: input.spec.reward.grader, runs };
      const { summary } = await methodDocument.publish(services.store, key, {
        files: { [runsFile.name]: await runsFile.put(services.store, method) },
        lineage: { inputs: { contexts: input.heldOut.sha256 }, codeVersion: input.codeVersion, settings: { grader: input.spec.reward.grader } },
        summary: methodScore(method),
      });
      return summary;
    });
}

async function unadaptedRuns(services: Services, { campaign, method, version, source }: MethodTask): Promise<MethodRun[]> {
  if (source.kind !== 'unadapted') return [];
  const data = await services.campaigns.read(campaign);
  const { contextsPerChunk } = source;
  const chunks = chunkCount(data.contexts.heldOut.length, contextsPerChunk);
  const numbers = Array.from({ length: chunks }, (_, i) => i + 1);
  const lists = await readAll(numbers, async (chunk) => {
    const answers = await findUnadapted(services, { campaign, scope: scopes.evaluation(method, version), chunk });
    if (answers === null) throw new RangeError(`${method}: chunk ${chunk} was never evaluated`);
    return answers;
  });
  return lists.flat().map(({ contextId, answers }) => ({ contextId, questionScores: answers.map(({ score }) => score), trainedTokens: 0, steps: 0 }));
}

/** One run a candidate and repeat, whoever answered for it. @throws RangeError for one that was never evaluated: none may be left out in silence */
async function adaptedRuns(services: Services, scope: AdaptationScope, repeats: number): Promise<MethodRun[]> {
  const data = await services.campaigns.read(scope.campaign);
  const { rows } = await scopeRows(services, scope);
  const count = data.contexts[scope.split].length * scope.perContext;
  const members = Array.from({ length: count }, (_, position) => candidateAt(scope, position, data, rows));
  // Groups share a file.
  const files = new SharedFiles(services.store, groupAnswersFile);
  const runs: MethodRun[] = [];
  for (let repeat = 1; repeat <= repeats; repeat += 1) {
    const evaluations = await findEvaluations(services.manifests, scope, repeat, members);
    const read = await readAll(members, async ({ position, contextId, candidate }): Promise<MethodRun> => {
      const evaluation = evaluations.get(position);
      if (evaluation === undefined) throw new RangeError(`${scope.scope}: ${contextId}/c${candidate}, repeat ${repeat}, was never evaluated`);
      const answers = answersOf(await files.read(evaluation), contextId, candidate);
      return runOf(contextId, answers, evaluation.summary);
    });
    runs.push(...read);
  }
  return runs;
}

/** An evaluation as its method's mean counts it. */
export function runOf(contextId: string, answers: readonly Answer[], { steps, trainedTokens, unadapted }: EvaluationSummary): MethodRun {
  return { contextId, questionScores: answers.map(({ score }) => score), steps, trainedTokens, ...(unadapted !== undefined && { unadapted }) };
}

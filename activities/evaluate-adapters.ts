/**
 * The inner loop's second half: closed-book questions to the adapted policy, and the reward.
 * Source: paper, "Knowledge Incorporation", evaluation; `seal/algorithm/rewards.ts` for rounding and gains.
 */
import { groupLossesFile, type RecordedAdapter } from '../record/documents/candidates';
import type { DirectoryRefs } from '../storage/artifact-directory';
import type { Lease } from '../storage/directory-cache';
import type { GroupTask, SealActivities } from './activity-types';
import { examine } from './answers/answers';
import { isJudged, keepRawAnswers, type RawAnswers, rawAnswersKey } from './answers/raw-answers';
import { workOf } from './candidates/candidate-groups';
import type { Candidate } from './candidates/candidates';
import { evaluatedMembers, examinedGroup, type ExaminedGroup, gradeGroup, isAdapted } from './candidates/graded-group';
import { computedBy } from './execution/computed-by';
import { memoryLineage } from './execution/less-memory';
import { type RecordedOptions, recordLost, runRecorded } from './execution/recorded-work';
import { asActivity, type RunningActivity } from './execution/running-activity';
import { computeLimits, type Services } from './services';
import { adapterEntry, leaseAdapter } from './stored/model-directories';

/**
 * Evaluates a group's adapters in one request. Where a judge gives the marks it is asked by `gradeAdapters`, and no member is returned.
 *
 * On held-out contexts a rejected self-edit teaches nothing and a diverged training leaves nothing, so the unadapted policy answers for
 * them: leaving them out would flatter the method.
 *
 * @throws ArtifactMissingError where a member was never fine-tuned
 */
export function evaluateAdapters(services: Services): SealActivities['evaluateAdapters'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async (running) => {
      const examined = await examinedGroup(services, task);
      const { input } = examined.group.data;
      await recordLost(services, input, running);
      if (examined.evaluations !== null) return evaluatedMembers(services, task, examined, examined.evaluations);
      if (isJudged(input)) {
        await keepRawAnswers(services, input, rawAnswersKey(task), () => answered(services, task, examined, running));
        await evictServed(services, examined);
        return { members: [] };
      }
      const raw = { ...(await answered(services, task, examined, running)), compute: computedBy(services, input) };
      const evaluations = await gradeGroup(services, examined, raw, running.signal);
      await evictServed(services, examined);
      return evaluatedMembers(services, task, examined, evaluations);
    });
}

async function answered(services: Services, task: GroupTask, { group, adapters, members }: ExaminedGroup, running: RunningActivity): Promise<Omit<RawAnswers, 'compute'>> {
  const { input } = group.data;
  await using policy = await services.models.policy(input.model, group.scope.policy, computeLimits(input));
  await using directories = await AdapterDirectories.lease(services, adapters);
  const ask = (some: readonly Candidate[], options: RecordedOptions) =>
    examine(
      services.model,
      group.data.domain,
      input,
      { modelDirectory: policy.directory, ...memoryLineage(task) },
      some.map(({ position, context }) => ({ adapterDirectory: directories.get(position) ?? null, task: context.task })),
      options,
    );
  // The unadapted ones are asked apart, so that the stacked batch holds adapters only.
  const [adapted, unadapted] = [true, false].map((wanted) => members.filter((member) => isAdapted({ adapters }, member) === wanted)) as [Candidate[], Candidate[]];
  const batches = await runRecorded(services, input, running, {
    work: workOf('evaluate', task),
    compute: async (options) => {
      const held = [];
      for (const some of [adapted, unadapted]) if (some.length > 0) held.push(await ask(some, options));
      return held;
    },
    costOf: (held) => ({ generatedTokens: held.reduce((sum, { generatedTokens }) => sum + generatedTokens, 0) }),
  });
  return { replies: batches.flatMap(({ replies }) => replies), inputs: { ...group.inputs, ...policy.inputs }, ...memoryLineage(task) };
}

/** Local copies have served; the store has them should anyone ask again. */
async function evictServed({ cache }: Services, { adapters }: ExaminedGroup): Promise<void> {
  for (const adapter of adapters.values()) if (adapter.summary.status === 'trained') await cache.evict(adapterEntry(adapterFiles(adapter)));
}

/** Directories of those that have one, by position, until it is disposed of. */
class AdapterDirectories implements AsyncDisposable {
  readonly #leases = new Map<number, Lease<string>>();

  static async lease({ cache, store }: Services, adapters: ReadonlyMap<number, RecordedAdapter>): Promise<AdapterDirectories> {
    const made = new AdapterDirectories();
    const trained = [...adapters].filter(([, { summary }]) => summary.status === 'trained');
    const leased = await Promise.allSettled(trained.map(async ([position, adapter]) => made.#leases.set(position, await leaseAdapter(cache, store, adapterFiles(adapter)))));
    const failed = leased.find((outcome) => outcome.status === 'rejected');
    if (failed === undefined) return made;
    await made[Symbol.asyncDispose]();
    throw failed.reason;
  }

  get(position: number): string | undefined {
    return this.#leases.get(position)?.directory;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const lease of this.#leases.values()) await lease[Symbol.asyncDispose]();
  }
}

function adapterFiles({ manifest }: RecordedAdapter): DirectoryRefs {
  const { [groupLossesFile.name]: _losses, ...files } = manifest.files;
  return files;
}

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collectReport } from '../../activities';
import type { EvaluatedMember, GroupTask } from '../../activities/activity-types';
import { type AdmittedOptions, ComputeGate, type ComputeLimits, ComputeTimeoutError } from '../../activities/execution/compute-gate';
import { computeLimits } from '../../activities/services';
import { ComputeCancelledError } from '../../campaign/errors';
import { methodDocument, runsFile } from '../../record/documents/methods';
import { proposalsFile } from '../../record/documents/self-edits';
import { keyPrefixes, manifestKeys } from '../../record/keys';
import { methodScore } from '../../seal/report-data';
import { proposalSeed } from '../../seal/algorithm/seeds';
import { createMemoryStore } from '../../storage/memory-store';
import { type ActivityFixture, removedFixtures } from './activity-fixture';
import { storedSelection } from './stored-selection';
import { DOMAINS } from '../../seal/domains/registry';

const fixture = removedFixtures();


describe('pinning', () => {
  test('leaves the campaign to other workers where a model file differs from the pinned one', async () => {
    const made = fixture();
    const input = await made.input('c');
    writeFileSync(join(input.model.directory, 'model.safetensors'), 'other weights');
    await expect(made.run('pinInputs', input)).rejects.toMatchObject({ type: 'MachineUnableError', nonRetryable: false, message: expect.stringContaining('model.safetensors: expected sha256') as string });
  });

  test('goes on with the same inputs under the same id, and refuses others', async () => {
    const made = fixture();
    const first = await made.pin('c');
    expect(await made.run('pinInputs', { ...(await made.input('c')), timings: { budgets: { stalled: 2 } } })).toEqual(first);
    await expect(made.pin('c', { proposals: { k: 3 } })).rejects.toMatchObject({ type: 'BadInputError', message: expect.stringContaining('campaign c') as string });
  });

  test('keeps how much of the files of passages was left out, and the report says it', async () => {
    const made = fixture();
    const leftOut = { train: { unanswerable: 3, withoutQuestions: 1 } };
    await made.run('pinInputs', { ...(await made.input('c')), leftOut });
    const { lineage } = await collectReport(made.store, 'c', 'running', 0, DOMAINS);
    expect(lineage.settings['left out of contexts']).toEqual(leftOut);
  });

  test('refuses a passage that no training row could hold', async () => {
    const made = fixture();
    await expect(made.pin('c', { limits: { maxRowTokens: 4 } })).rejects.toMatchObject({
      type: 'BadInputError',
      message: expect.stringMatching(/contexts\.train: [0-9a-f]{8}: expected at most 4 tokens/) as string,
    });
  });
});

describe('proposals', () => {
  test('are sampled with seeds of their own and the same from any chunk order', async () => {
    const [one, two] = [fixture(), fixture()];
    const scope = await one.proposed(await one.pin('c'));
    const campaign = await two.pin('c');
    const task = { campaign, scope: 'epoch-1', split: 'train' as const, policy: null, source: 'policy' as const, perContext: 2, contextsPerChunk: 2 };
    for (const chunk of [2, 1]) await two.run('proposeSelfEdits', { ...task, chunk });
    expect((await two.run('collectProposals', task)).proposals.sha256).toBe(scope.rows.kind === 'proposals' && scope.rows.proposals.sha256);
    const seeds = one.controls.generates.flatMap(({ groups }) => groups.flatMap(({ rows }) => rows.map(({ seed }) => seed)));
    expect(new Set(seeds).size).toBe(6);
    // A second attempt asks the model nothing.
    await two.run('proposeSelfEdits', { ...task, chunk: 1 });
    expect(two.controls.generates).toHaveLength(2);
  });

  test('keep the ids that were sampled, which the M-step trains on, and whether they were cut off, which it ends no row after', async () => {
    const made = fixture();
    const campaign = await made.pin('c');
    made.controls.cutOff.add(proposalSeed(7, 'epoch-1', made.ids.train[0]!, 2));
    const scope = await made.proposed(campaign);
    if (scope.rows.kind !== 'proposals') throw new Error('expected proposals');
    const { proposals } = scope.rows;
    const list = await proposalsFile.get(made.store, proposals);
    expect(list.map(({ isCutOff = false }) => isCutOff)).toEqual([false, true, false, false, false, false]);
    const outcomes = list.map((_, position) => ({ position, status: 'scored' as const, reward: 1 }));
    await made.run('trainPolicy', await storedSelection(made.store, { campaign, epoch: 1, proposals, outcomes, kept: [0, 1] }));
    expect(made.controls.fineTunes.at(-1)?.jobs[0]?.rows).toEqual([
      { prompt: expect.stringContaining('Passage 0 of town.') as string, completionIds: [...Buffer.from(list[0]!.text)], endsWithEos: true },
      { prompt: expect.stringContaining('Passage 0 of town.') as string, completionIds: [...Buffer.from(list[1]!.text)], endsWithEos: false },
    ]);
    const { report, candidates } = await collectReport(made.store, 'c', 'running', 0, DOMAINS);
    expect(report.epochs).toEqual([expect.objectContaining({ epoch: 1, proposed: 6, cutOff: 1 })]);
    expect(candidates.map(({ isCutOff }) => isCutOff)).toEqual([false, true, false, false, false, false]);
    // Its last line too: the first of two rows, with the passage behind it.
    await made.run('fineTuneAdapters', { scope, group: { from: 0, to: 4 }, repeat: 1, repeats: 1 });
    const ends = made.controls.fineTunes.at(-1)?.jobs.map(({ rows }) => rows.map(({ endsWithEos }) => endsWithEos));
    expect(ends).toEqual([[true, true], [false, true], [true, true], [true, true]]);
  });

  test('recorded ones are the first k, and too few are bad input', async () => {
    const made = fixture();
    const campaign = await made.pin('c');
    const task = { campaign, scope: 'epoch-1', split: 'train' as const, policy: null, source: 'recorded' as const, contextsPerChunk: 8, chunk: 1 };
    await made.run('proposeSelfEdits', { ...task, perContext: 2 });
    expect(made.controls.generates).toHaveLength(0);
    await expect(made.run('proposeSelfEdits', { ...task, scope: 'epoch-2', perContext: 3 })).rejects.toMatchObject({
      type: 'BadInputError',
      message: expect.stringContaining('completions: expected at least 3') as string,
    });
  });
});

/** Fine-tunes and evaluates a group. */
async function adapted(made: ActivityFixture, task: GroupTask): Promise<readonly EvaluatedMember[]> {
  await made.run('fineTuneAdapters', task);
  return (await made.run('evaluateAdapters', task)).members;
}

/** Runs an epoch's activities as the workflow would, all candidates one after another. */
async function epoch(made: ActivityFixture, kept: readonly number[], spec: Record<string, unknown> = {}): Promise<{ policy: string | null; campaign: Awaited<ReturnType<ActivityFixture['pin']>> }> {
  const campaign = await made.pin('c', spec);
  const scope = await made.proposed(campaign);
  if (scope.rows.kind !== 'proposals') throw new Error('expected proposals');
  const outcomes = [];
  for (const group of [{ from: 0, to: 4 }, { from: 4, to: 6 }]) {
    for (const { position, reward } of await adapted(made, { scope, group, repeat: 1, repeats: 1 })) {
      outcomes.push(position === 5 ? { position, status: 'failed' as const, reason: 'it broke' } : { position, status: 'scored' as const, reward: reward! });
    }
  }
  const { policy } = await made.run('trainPolicy', await storedSelection(made.store, { campaign, epoch: 1, proposals: scope.rows.proposals, outcomes, kept }));
  return { policy, campaign };
}

describe('the M-step', () => {
  test('trains on what was kept, publishes the policy once, and the next epoch proposes with it', async () => {
    const made = fixture();
    const { policy, campaign } = await epoch(made, [1, 2]);
    expect(policy).toBe(manifestKeys.policy('c', 1));
    const { jobs, lora } = made.controls.fineTunes.at(-1)!;
    expect(jobs[0]?.rows).toHaveLength(2);
    expect(lora.rank).toBe(64);
    const fineTunes = made.controls.fineTunes.length;
    await epoch(made, [1, 2]);
    expect(made.controls.fineTunes).toHaveLength(fineTunes);
    const task = { campaign, scope: 'epoch-2', split: 'train' as const, policy, source: 'policy' as const, perContext: 2, contextsPerChunk: 2, chunk: 1 };
    await made.run('proposeSelfEdits', task);
    expect(made.controls.generates.at(-1)?.modelDirectory).toMatch(/cache\/policies\/[0-9a-f]{32}$/);
  });

  test('leaves the policy as it is when nothing was kept', async () => {
    const made = fixture();
    const { policy } = await epoch(made, []);
    expect(policy).toBeNull();
    const selection = await made.store.readManifest(manifestKeys.selection('c', 1));
    expect(selection.summary).toMatchObject({ epoch: 1, proposed: 6, failed: 1, kept: 0 });
  });
});

/** Publishes self-edits' scores of a test's own making. @param steps of the fine-tune on each held-out context */
async function storedSelfEdits(made: ActivityFixture, steps: readonly number[]): Promise<void> {
  const runs = made.ids.heldOut.map((contextId, i) => ({ contextId, questionScores: [1, 0, 0, 0], trainedTokens: 60, steps: steps[i]! }));
  const method = { name: 'self-edits', grader: 'tokens', runs };
  await methodDocument.publish(made.store, manifestKeys.method('c', 'self-edits'), {
    files: { [runsFile.name]: await runsFile.put(made.store, method) },
    lineage: { inputs: {}, codeVersion: 'test', settings: {} },
    summary: methodScore(method),
  });
}

describe('the report', () => {
  test('holds every epoch, candidate and method that the store knows', async () => {
    const made = fixture();
    const { campaign } = await epoch(made, [1, 2], { evaluation: { baselines: ['base', 'passage-only', 'passage-only-step-matched', 'oracle'] } });
    const base = { campaign, scope: 'evaluation/base', split: 'heldOut' as const, policy: null };
    await made.run('evaluateBase', { ...base, contextsPerChunk: 16, chunk: 1 });
    await made.run('summariseMethod', { campaign, method: 'base', source: { kind: 'unadapted', contextsPerChunk: 16 } });
    await storedSelfEdits(made, [9, 8]);
    const methods = [
      { method: 'passage-only', rows: { name: 'passage-only' }, steps: 2 },
      { method: 'oracle', rows: { name: 'oracle' }, steps: 4 },
      { method: 'passage-only-step-matched', rows: { name: 'passage-only', stepsOf: 'self-edits' }, steps: 9 },
    ];
    for (const { method, rows: baseline, steps } of methods) {
      const rows = { kind: 'baseline' as const, ...baseline };
      const scope = { ...base, scope: `evaluation/${method}`, rows, perContext: 1 };
      await adapted(made, { scope, group: { from: 0, to: 2 }, repeat: 1, repeats: 1 });
      const { meanSteps } = await made.run('summariseMethod', { campaign, method, source: { kind: 'adapted', scope } });
      expect(meanSteps).toBe(steps);
    }
    const { key } = await made.run('writeReport', { campaign, state: 'completed', wallSeconds: 12 });
    expect(key).toBe(manifestKeys.report('c'));
    const { report, candidates } = await collectReport(made.store, 'c', 'completed', 12, DOMAINS);
    expect(report.methods.map(({ name, n }) => [name, n])).toEqual([
      ['base', 2],
      ['passage-only', 2],
      ['oracle', 2],
      ['self-edits', 2],
      ['passage-only-step-matched', 2],
    ]);
    expect(report.epochs).toEqual([expect.objectContaining({ epoch: 1, proposed: 6, failed: 1, kept: 2 })]);
    expect(report.excluded).toEqual([{ id: candidates[5]?.id, status: 'failed', reason: 'it broke' }]);
    expect(candidates.map(({ selected }) => selected)).toEqual([false, true, true, false, false, false]);
    expect(candidates[0]).toMatchObject({ title: 'town 0', status: 'scored', steps: 4, adapters: [expect.stringMatching(/^[0-9a-f]{64}$/)] });
    expect(report.comparisons.map(({ a, b }) => `${a} - ${b}`)).toContain('passage-only - base');
    expect(report.campaign).toMatchObject({ name: 'test', seed: 7, model: 'model', codeVersion: 'test' });
    // Six candidates, one of which failed after its fine-tune; passage-only, oracle, self-edits and step-matched on two contexts each.
    expect(report.fineTunes).toBe(6 + 8);
    expect(report.contexts.map(({ title, scores }) => [title, Object.keys(scores)])).toEqual([
      ['ship 0', ['base', 'passage-only', 'oracle', 'self-edits', 'passage-only-step-matched']],
      ['ship 1', ['base', 'passage-only', 'oracle', 'self-edits', 'passage-only-step-matched']],
    ]);
    expect(candidates[0]?.selfEditCharacters).toBe('Fact '.length + 64);
    expect(report.lengths).toEqual([{ epoch: 1, n: 5, medianCharacters: 69, correlation: null, withinContexts: null }]);
  });

  test('shows the losses of every fine-tuned candidate and of the M-step', async () => {
    const made = fixture();
    await epoch(made, [1, 2]);
    const { report } = await collectReport(made.store, 'c', 'completed', 12, DOMAINS);
    const { part, innerLoop, mStep } = report.losses;
    // Two train epochs are too few passes to draw, so a part is a tenth; the fake log has one step, in the first of them.
    expect(part).toBe('share');
    expect(innerLoop).toEqual([{ epoch: 1, candidates: 5, sampled: 5, parts: [expect.objectContaining({ part: 1, n: 5 })] }]);
    expect(mStep).toEqual([{ epoch: 1, steps: 1, points: [{ step: 0, loss: expect.any(Number) as number }] }]);
  });

  test('shows who computed what and when, each attempt once, and stays out of every result', async () => {
    const made = fixture();
    const { campaign } = await epoch(made, [1, 2]);
    const computed = (await made.store.list(keyPrefixes.work('c'))).length;
    // All is there: nothing is computed and nothing recorded.
    await epoch(made, [1, 2]);
    expect(await made.store.list(keyPrefixes.work('c'))).toHaveLength(computed);
    made.controls.onGenerate = () => Promise.reject(new Error('the process broke'));
    const base = { campaign, scope: 'evaluation/base', split: 'heldOut' as const, policy: null };
    await expect(made.run('evaluateBase', { ...base, contextsPerChunk: 16, chunk: 1 })).rejects.toThrow('the process broke');
    const { report } = await collectReport(made.store, 'c', 'completed', 12, DOMAINS);
    const { workers, scopes, bars } = report.timeline;
    expect(workers).toEqual([{ worker: expect.stringMatching(/^\d+@./) as string, computations: computed + 1, failed: 1, busySeconds: expect.any(Number) as number }]);
    expect(scopes.map(({ scope, computations, failed }) => [scope, computations, failed])).toEqual([
      // Two chunks of proposals, two groups trained and evaluated, an M-step.
      ['epoch-1', 7, 0],
      ['evaluation/base', 1, 1],
    ]);
    expect(bars.at(-1)).toMatchObject({ kind: 'unadapted', scope: 'evaluation/base', outcome: 'failed' });
    const named = await Promise.all(
      (await made.store.list('campaigns/c/')).filter((key) => !key.startsWith(keyPrefixes.work('c'))).map(async (key) => JSON.stringify(await made.store.readManifest(key))),
    );
    for (const manifest of named) expect(manifest).not.toMatch(/startedAt|\/work\//);
  });

  test('shows the self-edits of the held-out contexts with the lowest ids, before and after, with their answers', async () => {
    const made = fixture();
    const { campaign, policy } = await epoch(made, [1, 2]);
    for (const [method, policyThen] of [['self-edits', null], ['seal-epoch-1', policy]] as const) {
      const base = { campaign, scope: `evaluation/${method}`, split: 'heldOut' as const, policy: policyThen };
      const task = { ...base, source: 'policy' as const, perContext: 1, contextsPerChunk: 64 };
      await made.run('proposeSelfEdits', { ...task, chunk: 1 });
      const { proposals } = await made.run('collectProposals', task);
      const scope = { ...base, rows: { kind: 'proposals' as const, proposals }, perContext: 1 };
      await adapted(made, { scope, group: { from: 0, to: 2 }, repeat: 1, repeats: 1 });
      await made.run('summariseMethod', { campaign, method, source: { kind: 'adapted', scope } });
    }
    const { report } = await collectReport(made.store, 'c', 'completed', 12, DOMAINS);
    const ids = report.examples.map(({ contextId }) => contextId);
    expect(ids).toHaveLength(2);
    expect(ids).toEqual([...ids].sort());
    for (const { passage, title, selfEdits } of report.examples) {
      expect(passage).toBe(`Passage ${title.slice(-1)} of ship.`);
      expect(selfEdits.map(({ method }) => method)).toEqual(['self-edits', 'seal-epoch-1']);
      for (const { text, characters, score, rejected, answers } of selfEdits) {
        expect([text.length, characters, rejected]).toEqual([69, 69, false]);
        expect(answers.map(({ goldAnswer }) => goldAnswer)).toEqual(['a', 'b', 'c', 'd']);
        expect(score).toBe(answers.reduce((sum, answer) => sum + answer.score, 0) / 4);
      }
    }
    expect(report.examples[0]!.selfEdits[0]!.text).not.toBe(report.examples[0]!.selfEdits[1]!.text);
  });

  test('of a campaign that stopped has a key of its own and shows the candidates so far', async () => {
    const made = fixture();
    const campaign = await made.pin('c');
    const scope = await made.proposed(campaign);
    await adapted(made, { scope, group: { from: 0, to: 1 }, repeat: 1, repeats: 1 });
    const { key } = await made.run('writeReport', { campaign, state: 'cancelled', wallSeconds: 12 });
    expect(key).toMatch(/^campaigns\/c\/reports\/cancelled-[0-9a-f]{12}\.json$/);
    const { candidates } = await collectReport(made.store, 'c', 'cancelled', 12, DOMAINS);
    expect(candidates).toHaveLength(1);
    expect(candidates[0]).toMatchObject({ status: 'scored', selected: false });
  });

  test('of an unknown campaign is an error that names its key', async () => {
    await expect(collectReport(createMemoryStore(), 'nobody', 'running', 12, DOMAINS)).rejects.toThrow('campaigns/nobody/campaign.json');
  });
});

/** What work comes to that is done once it is admitted. */
async function admitted<Result>(gate: ComputeGate, signal: AbortSignal, limits: ComputeLimits, work: (options: AdmittedOptions) => Promise<Result>): Promise<Result> {
  using admission = await gate.admit(signal, limits);
  return await admission.settle(work(admission.options));
}

describe('the compute gate', () => {
  const never = (): AbortSignal => new AbortController().signal;
  const within = (limitMs: number): ComputeLimits => ({ limitMs, stallMs: limitMs });

  test('admits in order, and a time limit counts from admission', async () => {
    const gate = new ComputeGate();
    const order: number[] = [];
    const work = (n: number) => async (): Promise<void> => {
      order.push(n);
      await new Promise((resolve) => setTimeout(resolve, 60));
    };
    await Promise.all([1, 2, 3].map((n) => admitted(gate, never(), within(150), work(n))));
    expect(order).toEqual([1, 2, 3]);
  });

  test('stops what takes longer than its limit, and goes on with the next', async () => {
    const gate = new ComputeGate();
    const hanging = admitted(gate, never(), within(20), ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new ComputeCancelledError('killed')))));
    await expect(hanging).rejects.toBeInstanceOf(ComputeTimeoutError);
    await expect(admitted(gate, never(), within(20), () => Promise.resolve('next'))).resolves.toBe('next');
  });

  test('takes silence for a hang as the campaign says: a quarter of the time limit, at least two minutes, where it says nothing', async () => {
    const made = fixture();
    const stallMs = async (limits: Record<string, number>): Promise<number> => computeLimits(await made.input('c', { limits })).stallMs;
    expect(await stallMs({ activitySeconds: 3600 })).toBe(900_000);
    expect(await stallMs({ activitySeconds: 60 })).toBe(120_000);
    expect(await stallMs({ activitySeconds: 60, stallSeconds: 7 })).toBe(7_000);
    await made.proposed(await made.pin('c', { limits: { stallSeconds: 7 } }));
    expect(new Set(made.controls.stallMs)).toEqual(new Set([7_000]));
  });

  test('a cancelled waiter leaves the queue', async () => {
    const gate = new ComputeGate();
    let end = (): void => undefined;
    const running = admitted(gate, never(), within(1000), () => new Promise<void>((resolve) => (end = resolve)));
    const controller = new AbortController();
    const waiting = admitted(gate, controller.signal, within(1000), () => Promise.resolve('never'));
    controller.abort();
    await expect(waiting).rejects.toBeInstanceOf(ComputeCancelledError);
    end();
    await running;
    await expect(admitted(gate, never(), within(1000), () => Promise.resolve('free'))).resolves.toBe('free');
  });
});

import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { auditOf } from '../../chaos/audited';
import { committedBy, differences, resultOf, unreadableArtifacts } from '../../chaos/committed';
import { leftoversIn } from '../../chaos/leftovers';
import type { RoundOutcome } from '../../chaos/round';
import { FIRST_START_VICTIMS, KILLS_A_ROUND, planKills, RUNNING_TARGETS } from '../../chaos/schedule';
import { findingsOf, lastLine, verdictOf } from '../../chaos/verdict';
import type { ArtifactStore } from '../../storage/artifact-store';
import { createMemoryStore } from '../../storage/memory-store';

describe('the schedule', () => {
  it('follows from its seed', () => {
    expect(planKills(50, 7)).toEqual(planKills(50, 7));
    expect(planKills(50, 7)).not.toEqual(planKills(50, 8));
  });

  it('hits every target with seven kills, and each as often with many', () => {
    for (const seed of [1, 2, 3]) expect(new Set(planKills(7, seed).map(({ target }) => target))).toEqual(new Set(['first-start', ...RUNNING_TARGETS]));
    const plan = planKills(10 * KILLS_A_ROUND, 4);
    for (const target of RUNNING_TARGETS) expect(plan.filter((kill) => kill.target === target).length).toBe(20);
    const victims = plan.flatMap((kill) => (kill.target === 'first-start' ? [kill.victim] : []));
    expect(victims.length).toBe(10);
    expect(victims.every((victim) => FIRST_START_VICTIMS.includes(victim))).toBe(true);
  });
});

describe('what was committed', () => {
  let store: ArtifactStore;
  beforeEach(() => {
    store = createMemoryStore();
  });

  async function publish(campaign: string, key: string, text: string, seed = 1): Promise<void> {
    const files = { 'a.txt': await store.put(Buffer.from(text), 'text/plain') };
    await store.publish(`campaigns/${campaign}/${key}`, { kind: 'adapter', files, lineage: { inputs: {}, seed, codeVersion: 'test', settings: {} } });
  }

  it('is the same where only records of attempts differ', async () => {
    for (const campaign of ['a', 'b']) {
      await publish(campaign, 'epoch-1/x/c1/r1/adapter.json', 'weights');
      await publish(campaign, `work/epoch-1/${campaign}.json`, campaign);
      await publish(campaign, `histories/epoch-1/page-${campaign === 'a' ? 1 : 2}.json`, campaign);
      await publish(campaign, 'report.json', campaign);
    }
    expect(differences(await committedBy(store, 'a'), await committedBy(store, 'b'))).toEqual([]);
  });

  it('differs by one missing, one too many, one other', async () => {
    await publish('a', 'one.json', 'same');
    await publish('a', 'two.json', 'expected');
    await publish('a', 'three.json', 'same');
    await publish('b', 'one.json', 'same', 2);
    await publish('b', 'two.json', 'got');
    await publish('b', 'four.json', 'same');
    const [a, b] = [await committedBy(store, 'a'), await committedBy(store, 'b')];
    expect(differences(a, b)).toEqual([
      expect.stringMatching(/^one.json: expected "seed": 1,?, got "seed": 2,?$/),
      'three.json is missing',
      expect.stringMatching(/^two.json: expected "sha256": /),
      'four.json is one too many',
    ]);
    expect(differences(a, b, resultOf).some((line) => line.startsWith('one.json'))).toBe(false);
  });

  it('is read to the last artifact', async () => {
    await publish('a', 'one.json', 'gone');
    const committed = await committedBy(store, 'a');
    expect(await unreadableArtifacts(store, committed)).toEqual([]);
    for (const key of await store.list('sha256/')) await store.remove(key);
    expect(await unreadableArtifacts(store, committed)).toEqual([expect.stringMatching(/^one.json, a.txt: ArtifactMissingError/)]);
  });
});

describe('what is left behind', () => {
  let home: string;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'seal-leftovers-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));

  function write(...files: readonly string[]): void {
    for (const file of files) {
      mkdirSync(dirname(join(home, file)), { recursive: true });
      writeFileSync(join(home, file), '');
    }
  }

  it('is nothing where only state, logs and objects are', () => {
    write('temporal.db', 'temporal.db-wal', 'logs/worker.log', 'run/worker-state.json', 'run/server-state.json', 'cache/policies/a/model.safetensors');
    write('objects/seal/campaigns/a/work/one.json', 'objects/.vgwlocks/a/b', 's3-credentials.json');
    expect(leftoversIn(home)).toEqual([]);
  });

  it('is every lock, half-written file and record of a process', () => {
    const files = ['stack.lock', 'stack.lock.123', 'stack.json', 'run/worker.json', 'run/worker.json.partial', 'cache/work/scratch', 'objects/seal/.sgwtmp/x', 'temporal.db.new'];
    write(...files);
    expect(leftoversIn(home)).toEqual(files.map((file) => `file ${file}`).sort());
  });

  it('is every process that was started for it', async () => {
    const child = spawn(process.execPath, ['--eval', 'process.stdout.write("up"); setInterval(() => {}, 1000)'], { env: { SEAL_HOME: home }, stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    const left = leftoversIn(home);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
    expect(left).toEqual([expect.stringContaining(`process ${child.pid}: `)]);
    expect(leftoversIn(home)).toEqual([]);
  });
});

describe('the verdict', () => {
  const undisturbed: RoundOutcome = {
    kills: [],
    seconds: 20,
    state: 'completed',
    committed: new Map(),
    unreadable: [],
    replayed: { histories: 3, broken: [] },
    auditBreaks: [],
    redone: { redoneSteps: 0, secondsAStep: 0.1, otherSeconds: 0 },
    leftovers: [],
  };
  const kill = { target: 'worker', victim: 'pid 1', atSeconds: 1, downSeconds: 1, recoverySeconds: 2, restartedBy: 'itself' } as const;
  const round: RoundOutcome = { ...undisturbed, kills: [kill, kill], redone: { redoneSteps: 5, secondsAStep: 0.2, otherSeconds: 1 } };
  const compared = { planned: 2, seed: 1, checkpointSeconds: 1, undisturbed, rounds: [round], broken: [] };

  it('is that all is identical where nothing was found', () => {
    const verdict = verdictOf(compared);
    expect(verdict).toMatchObject({ kills: 2, planned: 2, identical: true, findings: [], redone: { steps: 5, trainingSeconds: 0.5, limitSeconds: 2 } });
    expect(lastLine(verdict)).toMatch(/^2 kills, identical: true, recovery p50 2.0 s p95 2.0 s/);
  });

  it('counts what an interrupted run has compared, and says what it has not', () => {
    expect(lastLine(verdictOf({ ...compared, planned: 9 }))).toMatch(/^2 kills, identical: true, interrupted before the other 7, recovery/);
  });

  it.each<[string, Partial<RoundOutcome>]>([
    ['the campaign ended as failed', { state: 'failed' }],
    ['history of a, run b: other', { replayed: { histories: 1, broken: ['a, run b: other'] } }],
    ['no history was replayed', { replayed: { histories: 0, broken: [] } }],
    ['audit: artifact-changed: a: expected b, got c', { auditBreaks: ['artifact-changed: a: expected b, got c'] }],
    ['left behind: file stack.lock', { leftovers: ['file stack.lock'] }],
    ['k.json is one too many', { committed: new Map([['k.json', { kind: 'adapter', files: {}, lineage: { inputs: {}, seed: 1, codeVersion: 'test', settings: {} } }]]) }],
  ])('is not where %s', (finding, change) => {
    expect(findingsOf(undisturbed, { ...round, ...change })).toEqual([finding]);
    expect(verdictOf({ ...compared, rounds: [round, { ...round, ...change }] })).toMatchObject({ identical: false, findings: [`campaign 2: ${finding}`] });
  });

  it('is not where more was trained again than checkpoints allow', () => {
    const rounds = [{ ...round, redone: { ...round.redone, redoneSteps: 21 } }];
    expect(verdictOf({ ...compared, rounds }).findings).toEqual(['trained again: 21 steps of training 2.1 s of at most 2.0 s, other work 1.0 s']);
  });

  it('is not where an audit did not end', async () => {
    const home = mkdtempSync(join(tmpdir(), 'seal-no-stack-'));
    const breaks = await auditOf(home, 'chaos');
    rmSync(home, { recursive: true });
    expect(breaks).toEqual([expect.stringMatching(/^did not end: \S/)]);
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { type ActivityDependencies, createActivities, type SealActivities } from '../../activities';
import type { AdaptationScope, PinnedCampaign, ProposalSource } from '../../activities/activity-types';
import type { CampaignInput } from '../../campaign/campaign';
import { campaignSpecSchema } from '../../campaign/campaign-spec';
import type { Passage } from '../../seal/domains/knowledge/passage';
import { DEFAULT_ENDPOINT_BOUNDS } from '../../endpoint/endpoint-client';
import { Endpoints } from '../../endpoint/endpoints';
import { heldOutFile, trainFile } from '../../record/documents/campaign';
import { contextId } from '../../seal/ids';
import type { ArtifactStore } from '../../storage/artifact-store';
import { canonicalJson } from '../../storage/canonical-json';
import { hashBytes } from '../../storage/content-hash';
import { createMemoryStore } from '../../storage/memory-store';
import { type FakeModelControls, fakeLanguageModel } from './fake-language-model';

/** Where an activity runs; a test keeps it to cancel the activity. Those that fail on purpose are no news, so nothing is logged. */
export function activityEnvironment(): MockActivityEnvironment {
  return new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR', () => undefined) });
}

const MODEL_FILES = { 'config.json': '{}', 'model.safetensors': 'base weights' };

export function contexts(prefix: string, count: number): Passage[] {
  return Array.from({ length: count }, (_, i) => ({
    title: `${prefix} ${i}`,
    context: `Passage ${i} of ${prefix}.`,
    questions: ['a', 'b', 'c', 'd'].map((answer) => ({ question: `What is ${answer} of ${prefix} ${i}?`, answer })),
    completions: [`First line of ${i}.`, `Second line of ${i}, longer than the passage itself.`],
    oracle: [`The truth about ${prefix} ${i}.`],
  }));
}

const TRAIN = contexts('town', 3);
const HELD_OUT = contexts('ship', 2);

function idsOf(passages: readonly Passage[]): string[] {
  return passages.map(({ title, context }) => contextId(title, context));
}

/** Makes fixtures that are removed after the test: called once, at the top of a test file. */
export function removedFixtures(): (...args: ConstructorParameters<typeof ActivityFixture>) => ActivityFixture {
  const fixtures: ActivityFixture[] = [];
  afterEach(() => fixtures.splice(0).forEach((made) => made.remove()));
  return (...args) => {
    const made = new ActivityFixture(...args);
    fixtures.push(made);
    return made;
  };
}

/** Endpoints with the keys of this environment, which ask again at once. */
export function promptEndpoints(environment: Record<string, string>): Endpoints {
  return new Endpoints(environment, { ...DEFAULT_ENDPOINT_BOUNDS, sleep: () => Promise.resolve() });
}

/** Activities over a store in memory, a fake language model and a directory of their own. */
export class ActivityFixture {
  /** Of its contexts, in their order. */
  readonly ids = { train: idsOf(TRAIN), heldOut: idsOf(HELD_OUT) };
  readonly directory = mkdtempSync(join(tmpdir(), 'seal-activities-'));
  readonly controls: FakeModelControls;
  readonly store: ArtifactStore;
  readonly activities: SealActivities;
  readonly #modelDirectory = join(this.directory, 'model');

  /**
   * @param store shared with another worker, where there is one
   * @param endpoints with keys and timers of the test's
   * @param more of what the activities work with
   */
  constructor(store: ArtifactStore = createMemoryStore(), endpoints: Endpoints = new Endpoints({}), more: Partial<ActivityDependencies> = {}) {
    this.store = store;
    mkdirSync(this.#modelDirectory);
    for (const [name, text] of Object.entries(MODEL_FILES)) writeFileSync(join(this.#modelDirectory, name), text);
    const { model, controls } = fakeLanguageModel();
    this.controls = controls;
    this.activities = createActivities({
      model,
      store,
      cacheDirectory: join(this.directory, 'cache'),
      renderHtml: ({ report }) => Promise.resolve(`<title>${report.campaignId}</title>`),
      heartbeatIntervalMs: 20,
      endpoints,
      ...more,
    });
  }

  /** Runs an activity as Temporal would; `environment` lets a test cancel it or see its heartbeats. */
  run<Name extends keyof SealActivities>(
    name: Name,
    task: Parameters<SealActivities[Name]>[0],
    environment: MockActivityEnvironment = activityEnvironment(),
  ): ReturnType<SealActivities[Name]> {
    const activity = this.activities[name] as unknown as (task: unknown) => Promise<Awaited<ReturnType<SealActivities[Name]>>>;
    return environment.run(activity, task) as ReturnType<SealActivities[Name]>;
  }

  async input(campaignId: string, spec: Record<string, unknown> = {}): Promise<CampaignInput> {
    const parsed = campaignSpecSchema.parse({
      name: 'test',
      seed: 7,
      model: 'model',
      epochs: 1,
      contexts: { train: { path: 'a' }, heldOut: { path: 'b' } },
      proposals: { k: 2 },
      innerLoop: { repeats: 1, trainEpochs: 2 },
      concurrency: { group: 4 },
      ...spec,
    });
    return {
      campaignId,
      spec: parsed,
      specSha256: hashBytes(Buffer.from(canonicalJson(parsed))).sha256,
      codeVersion: 'test',
      model: {
        directory: this.#modelDirectory,
        files: Object.fromEntries(Object.entries(MODEL_FILES).map(([name, text]) => [name, hashBytes(Buffer.from(text)).sha256])),
      },
      train: await trainFile.put(this.store, TRAIN),
      heldOut: await heldOutFile.put(this.store, HELD_OUT),
      contexts: { train: TRAIN.length, heldOut: HELD_OUT.length },
    };
  }

  /** @param template the text of a prompt of its own */
  async pin(campaignId: string, spec: Record<string, unknown> = {}, template?: string): Promise<PinnedCampaign> {
    const input = await this.input(campaignId, spec);
    if (template === undefined) return this.run('pinInputs', input);
    return this.run('pinInputs', { ...input, template: await this.store.put(Buffer.from(template), 'text/plain') });
  }

  /** Epoch 1's scope, its self-edits proposed by the fake policy or recorded. */
  async proposed(campaign: PinnedCampaign, source: ProposalSource = 'policy'): Promise<AdaptationScope> {
    const base = { campaign, scope: 'epoch-1', split: 'train' as const, policy: null };
    const task = { ...base, source, perContext: 2, contextsPerChunk: 2 };
    for (const chunk of [1, 2]) await this.run('proposeSelfEdits', { ...task, chunk });
    const { proposals } = await this.run('collectProposals', task);
    return { ...base, rows: { kind: 'proposals', proposals }, perContext: 2 };
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

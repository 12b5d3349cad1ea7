import { createActivities } from '../../activities';
import type { FetchedHistory, HistoryReader } from '../../activities/stored/history-reader';
import { historyFileName, parseHistoryFileName } from '../../record/documents/histories';
import { keyPrefixes, manifestKeys } from '../../record/keys';
import { activityEnvironment, type ActivityFixture, removedFixtures } from './activity-fixture';
import { fakeLanguageModel } from './fake-language-model';

const fixture = removedFixtures();

const run = (digit: number): string => `${String(digit).repeat(8)}-0000-4000-8000-000000000000`;

/** Runs by `<workflow id> <run id>`; the last of an id is its latest. */
class FakeHistories implements HistoryReader {
  readonly asked: string[] = [];
  readonly #runs: readonly FetchedHistory[];

  constructor(runs: readonly Partial<FetchedHistory>[]) {
    this.#runs = runs.map((one) => ({ workflowId: 'w', runId: run(1), bytes: Buffer.from(`${one.workflowId} ${one.runId}`), closed: true, continuedFrom: null, ...one }));
  }

  fetch(workflowId: string, runId?: string): Promise<FetchedHistory | null> {
    this.asked.push(`${workflowId} ${runId ?? 'latest'}`);
    return Promise.resolve(this.#runs.findLast((one) => one.workflowId === workflowId && (runId === undefined || one.runId === runId)) ?? null);
  }
}

function archive(made: ActivityFixture, histories: HistoryReader) {
  const { archiveHistories } = createActivities({
    model: fakeLanguageModel().model,
    store: made.store,
    cacheDirectory: made.directory,
    histories,
  });
  return (task: Parameters<typeof archiveHistories>[0]) => activityEnvironment().run(archiveHistories, task);
}

test('stores every run of a chain, and says what is gone and what still runs', async () => {
  const made = fixture();
  const campaign = await made.pin('demo');
  const histories = new FakeHistories([
    { workflowId: 'demo/epoch-1', runId: run(1) },
    { workflowId: 'demo/epoch-1', runId: run(2), continuedFrom: run(1) },
    { workflowId: 'demo/epoch-1/abc/c1', runId: run(3) },
    { workflowId: 'demo/epoch-1/abc/c2', runId: run(4), closed: false },
  ]);
  const workflows = ['demo/epoch-1', 'demo/epoch-1/abc/c1', 'demo/epoch-1/abc/c2', 'demo/epoch-1/abc/c3'].map((workflowId) => ({ workflowId }));
  await expect(archive(made, histories)({ campaign, scope: 'epoch-1', page: 1, workflows })).resolves.toEqual({ archived: 3 });
  const page = await made.store.readManifest(manifestKeys.historyPage('demo', 'epoch-1', 1));
  expect(Object.keys(page.files)).toEqual([
    historyFileName('demo/epoch-1', run(1)),
    historyFileName('demo/epoch-1', run(2)),
    historyFileName('demo/epoch-1/abc/c1', run(3)),
  ]);
  expect(page.summary).toEqual({ archived: 3, gone: ['demo/epoch-1/abc/c3'], open: ['demo/epoch-1/abc/c2'] });
  const [ref] = Object.values(page.files);
  expect(Buffer.from(await made.store.get(ref!)).toString()).toBe(`demo/epoch-1 ${run(1)}`);
});

test('a named run is archived with what it continues, and not with what continues it', async () => {
  const made = fixture();
  const campaign = await made.pin('demo');
  const histories = new FakeHistories([
    { workflowId: 'a', runId: run(1) },
    { workflowId: 'a', runId: run(2), continuedFrom: run(1) },
    { workflowId: 'a', runId: run(3), continuedFrom: run(2) },
  ]);
  await expect(archive(made, histories)({ campaign, scope: 's', page: 1, workflows: [{ workflowId: 'a', runId: run(2) }] })).resolves.toEqual({ archived: 2 });
});

test('a second attempt asks the server for nothing', async () => {
  const made = fixture();
  const campaign = await made.pin('demo');
  const histories = new FakeHistories([{ workflowId: 'a' }]);
  const task = { campaign, scope: 's', page: 1, workflows: [{ workflowId: 'a' }] };
  await archive(made, histories)(task);
  await expect(archive(made, histories)(task)).resolves.toEqual({ archived: 1 });
  expect(histories.asked).toEqual(['a latest']);
});

test('a page of an earlier run of the campaign hides no history of this one', async () => {
  const made = fixture();
  const campaign = await made.pin('demo');
  const before = { campaign: { ...campaign, runId: run(8) }, scope: 's', page: 1, workflows: [{ workflowId: 'a' }] };
  await archive(made, new FakeHistories([{ workflowId: 'a', runId: run(1) }]))(before);
  const again = new FakeHistories([{ workflowId: 'a', runId: run(2) }]);
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    await expect(archive(made, again)({ ...before, campaign })).resolves.toEqual({ archived: 1 });
  }
  expect(again.asked).toHaveLength(1);
  const pages = await made.store.list(keyPrefixes.histories('demo'));
  const files = await Promise.all(pages.map(async (key) => Object.keys((await made.store.readManifest(key)).files)));
  expect(files.flat().sort()).toEqual([historyFileName('a', run(1)), historyFileName('a', run(2))]);
});

test('a file name gives back its workflow and run, and nothing else is taken for one', () => {
  const name = historyFileName('demo/epoch-1/abc/c1', run(1));
  expect(parseHistoryFileName(name)).toEqual({ workflowId: 'demo/epoch-1/abc/c1', runId: run(1) });
  for (const other of ['../../etc/passwd', `../x.${run(1)}.history`, 'a.b.history', 'histories.json']) expect(parseHistoryFileName(other)).toBeNull();
});

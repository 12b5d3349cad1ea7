import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { DefaultLogger, Runtime, Worker, type WorkflowBundlePath } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { packageRoot } from '../../infra/stack/package-root';
import { workflowBundle } from '../../workers/workflow-bundle';
import { type History, readHistory } from './stored-history';

jest.setTimeout(180_000);

const root = join(packageRoot(), 'test', 'replay');
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.history'))
  .sort();

let directory: string;
let bundle: WorkflowBundlePath;
let tracedBundle: WorkflowBundlePath;
beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
  directory = mkdtempSync(join(tmpdir(), 'seal-replay-'));
  bundle = await workflowBundle(directory);
  tracedBundle = await workflowBundle(directory, { traced: true });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** A workflow's id, as its file is named. */
function workflowIdOf(file: string): string {
  return basename(file, '.history').replace(/@\d+$/, '').replaceAll('_', '/');
}

function replay(file: string, history: History, workflowBundle = bundle): Promise<void> {
  return Worker.runReplayHistory({ workflowBundle, replayName: basename(file) }, history, workflowIdOf(file));
}

test('histories of every kind of workflow are stored', () => {
  const types = files.map((file) => readHistory(join(root, file)).events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name);
  expect([...new Set(types)].sort()).toEqual(['archivistWorkflow', 'campaignWorkflow', 'candidateGroupWorkflow', 'candidateWorkflow', 'epochWorkflow', 'evaluationWorkflow']);
});

test.each(files)('%s replays against the workflows of today', async (file) => {
  await expect(replay(file, readHistory(join(root, file)))).resolves.toBeUndefined();
});

test.each(files)('%s replays the same where workflows are traced', async (file) => {
  await expect(replay(file, readHistory(join(root, file)), tracedBundle)).resolves.toBeUndefined();
});

/** What `patched()` is for: a function that no longer does what it did when the history was recorded. */
test.each([
  ['startArchivist', 'recorded.history'],
  ['scoreUnadapted', 'recorded_epoch-1.history'],
])('a workflow whose %s was changed without a patch is found', async (name, recorded) => {
  const code = readFileSync(bundle.codePath, 'utf8');
  const changed = code.replaceAll(new RegExp(`\\(0,\\s*\\w+\\.${name}\\)\\(`, 'g'), '(async () => [])(');
  // Not compared by Jest, which would print both.
  expect(changed === code).toBe(false);
  const codePath = join(directory, `${name}.js`);
  writeFileSync(codePath, changed);
  const file = files.find((one) => one.endsWith(recorded))!;
  const history = readHistory(join(root, file));
  await expect(Worker.runReplayHistory({ workflowBundle: { codePath }, replayName: name }, history, workflowIdOf(file))).rejects.toBeInstanceOf(DeterminismViolationError);
});

test('a history that the workflows would not have made is found', async () => {
  const file = files.find((name) => name.includes('paged') && name.includes('_c2'))!;
  const history = readHistory(join(root, file));
  const scheduled = history.events?.flatMap(({ activityTaskScheduledEventAttributes }) => activityTaskScheduledEventAttributes?.activityType ?? []);
  const last = scheduled!.at(-1)!;
  expect(last.name).toBe('evaluateAdapters');
  last.name = 'trainPolicy';
  await expect(replay(file, history)).rejects.toBeInstanceOf(DeterminismViolationError);
});

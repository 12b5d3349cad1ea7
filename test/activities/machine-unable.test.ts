import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GroupTask } from '../../activities/activity-types';
import { BadInputError } from '../../campaign/errors';
import { type ActivityFixture, removedFixtures } from './activity-fixture';

const fixture = removedFixtures();

async function fineTune(made: ActivityFixture): Promise<GroupTask> {
  return { scope: await made.proposed(await made.pin('c')), group: { from: 0, to: 4 }, repeat: 1, repeats: 1 };
}

const model = (made: ActivityFixture): string => join(made.directory, 'model');
const unable = (message: string) => ({ type: 'MachineUnableError', nonRetryable: false, message: expect.stringContaining(message) as string });

test('work whose model is not on this machine is left to others, and done here once it is there', async () => {
  const made = fixture();
  const task = await fineTune(made);
  renameSync(model(made), `${model(made)}-away`);
  await expect(made.run('fineTuneAdapters', task)).rejects.toMatchObject(unable(`${model(made)}: expected the model pinned at start, with config.json, got no such directory`));
  expect(made.controls.fineTunes).toEqual([]);
  renameSync(`${model(made)}-away`, model(made));
  expect((await made.run('fineTuneAdapters', task)).members).toHaveLength(4);
});

test('work whose model goes or changes after it was checked, while it waits or is computed, is left to others too', async () => {
  const made = fixture();
  const task = await fineTune(made);
  made.controls.onFineTune = () => {
    renameSync(join(model(made), 'model.safetensors'), join(model(made), 'away'));
    return Promise.reject(new BadInputError({ where: 'model.safetensors', expected: 'weights', got: 'no such file' }));
  };
  await expect(made.run('fineTuneAdapters', task)).rejects.toMatchObject(unable('with model.safetensors, got no such file'));
  writeFileSync(join(model(made), 'model.safetensors'), 'other weights');
  await expect(made.run('fineTuneAdapters', task)).rejects.toMatchObject(unable('model.safetensors: expected sha256'));
  renameSync(join(model(made), 'away'), join(model(made), 'model.safetensors'));
  made.controls.onFineTune = () => Promise.reject(new BadInputError({ where: 'a row', expected: 'tokens', got: 'none' }));
  await expect(made.run('fineTuneAdapters', task)).rejects.toMatchObject({ type: 'BadInputError', nonRetryable: true });
});

test('self-edits are not collected by a machine without the model', async () => {
  const made = fixture();
  const campaign = await made.pin('c');
  const task = { campaign, scope: 'epoch-1', split: 'train' as const, policy: null, source: 'policy' as const, perContext: 2, contextsPerChunk: 3 };
  await made.run('proposeSelfEdits', { ...task, chunk: 1 });
  renameSync(model(made), `${model(made)}-away`);
  await expect(made.run('collectProposals', task)).rejects.toMatchObject(unable('got no such directory'));
});

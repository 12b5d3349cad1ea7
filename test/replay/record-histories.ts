/**
 * `node dist/test/replay/record-histories.js NAME`: runs a small campaign with fake activities and stores the history of each
 * kind of its workflows under `test/replay/NAME/`. Run it when a changed workflow has got its `patched()`; older histories stay.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../infra/stack/package-root';
import { pauseUpdate, resumeUpdate } from '../../workflows/messages';
import { campaignInput } from '../workflows/campaign-input';
import { fakeActivities } from '../workflows/fake-activities';
import { TemporalFixture } from '../workflows/temporal-fixture';
import { writeHistory } from './stored-history';

async function record(name: string): Promise<void> {
  const directory = join(packageRoot(), 'test', 'replay', name);
  mkdirSync(directory, { recursive: true });
  const temporal = await TemporalFixture.start();
  const fakes = fakeActivities(() => ({
    validateSelfEdit: ({ position }) => Promise.resolve(position === 3 ? { accepted: false, reason: 'empty' } : { accepted: true }),
  }));
  await temporal.withActivities(fakes.activities, async () => {
    const input = campaignInput('recorded', {
      epochs: 2,
      evaluation: { baselines: ['base', 'passage-only-step-matched'] },
      reward: { grader: 'logprob' },
      concurrency: { candidates: 4, group: 2 },
    });
    const handle = await temporal.start(input);
    await handle.executeUpdate(pauseUpdate, { args: [{ by: 'recorder', why: 'updates belong into histories' }] });
    await handle.executeUpdate(resumeUpdate, { args: [{ by: 'recorder', why: 'updates belong into histories' }] });
    await handle.result();
    const ids = ['', '/epoch-1', '/epoch-1/train0/c1', '/epoch-1/train1/c2', '/evaluation/base', '/evaluation/self-edits'];
    for (const id of ids) {
      const workflowId = `recorded${id}`;
      const history = await temporal.environment.client.workflow.getHandle(workflowId).fetchHistory();
      writeHistory(join(directory, `${workflowId.replaceAll('/', '_')}.history`), history);
    }
  });
  await temporal.stop();
}

const [name] = process.argv.slice(2);
if (name === undefined) throw new Error('expected a name for the folder under test/replay');
void record(name);

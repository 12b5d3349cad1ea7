import { reportDocument } from '../../cli/campaign-report';
import { methodsTable } from '../../cli/methods-table';
import { documentFile, publishedReport, reportFile } from '../../record/documents/report';
import { manifestKeys } from '../../record/keys';
import { ActivityFixture } from '../activities/activity-fixture';
import { sampleDocument } from '../report/sample-document';


let made: ActivityFixture;
beforeEach(() => {
  made = new ActivityFixture();
});
afterEach(() => made.remove());

function noServer(): Promise<never> {
  return Promise.reject(new Error('a finished campaign\'s report needs no server'));
}

test('a published report is read as it was published', async () => {
  const campaign = await made.pin('c');
  await made.run('writeReport', { campaign, state: 'completed', wallSeconds: 12 });
  const { report } = await reportDocument(made.store, noServer, 'c');
  expect(report).toMatchObject({ campaignId: 'c', state: 'completed', ledger: { wallSeconds: 12 }, timeline: { bars: [] } });
});

test('a terminal shows how many self-edits of an epoch were cut off, where any were', () => {
  const lines = methodsTable(sampleDocument().report).split('\n');
  expect(lines).toContainEqual(expect.stringMatching(/^epoch 1: 96 self-edits \(20 cut off\), 4 rejected,/));
  expect(lines).toContainEqual(expect.stringMatching(/^epoch 2: 96 self-edits, 4 rejected,/));
});

test('one that an earlier version published is collected anew, with what only it knows', async () => {
  await made.pin('c');
  const earlier = await made.store.put(Buffer.from('{"told":"otherwise"}'), 'application/json');
  await publishedReport.publish(made.store, manifestKeys.report('c'), {
    files: { [documentFile.name]: earlier, [reportFile.name]: earlier },
    lineage: { inputs: {}, codeVersion: 'earlier', settings: {} },
    summary: { state: 'completed', wallSeconds: 12 },
  });
  const { report } = await reportDocument(made.store, noServer, 'c');
  expect(report).toMatchObject({ state: 'completed', ledger: { wallSeconds: 12 }, campaign: { name: 'test', seed: 7 }, losses: { innerLoop: [] } });
});

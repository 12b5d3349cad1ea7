import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auditExport } from '../../audit/audit-export';
import { exportCampaign, type ExportResult } from '../../audit/export-campaign';
import { knowledgeDomain } from '../../seal/knowledge/domain';
import { ContentAddressedStore } from '../../storage/content-addressed-store';
import { CAMPAIGN, RecordedCampaign } from './recorded-campaign';

jest.setTimeout(300_000);

let recorded: RecordedCampaign;
let directory: string;
beforeAll(async () => {
  recorded = await RecordedCampaign.run();
});
afterAll(() => recorded.stop());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-export-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const out = (): string => join(directory, 'out');
const audit = () => auditExport(CAMPAIGN, out(), knowledgeDomain, recorded.replaying);

function write(withArtifacts: boolean): Promise<ExportResult> {
  return exportCampaign({ campaignId: CAMPAIGN, store: new ContentAddressedStore(recorded.objects), server: recorded.server, directory: out(), withArtifacts });
}

function historyOf(workflow: string): string {
  const name = readdirSync(join(out(), 'histories')).find((one) => one.startsWith(`${workflow.replaceAll('/', '~')}.`))!;
  return join(out(), 'histories', name);
}

function flip(file: string): void {
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(file, bytes);
}

test('an export is audited without store and server, and a changed byte in a history of it is named and mended', async () => {
  const written = await write(true);
  expect(written.problems).toEqual([]);
  expect(await audit()).toMatchObject({ breaks: [], unchecked: [], histories: written.histories, artifacts: written.artifacts });
  const file = historyOf(`${CAMPAIGN}/epoch-1`);
  flip(file);
  const { breaks } = await audit();
  expect(breaks).toContainEqual(expect.objectContaining({ kind: 'history-changed', what: `histories/${file.split('/').at(-1)}` }));
  await write(true);
  expect((await audit()).breaks).toEqual([]);
});

test('without artifacts it says what it leaves unchecked; their addition later completes it', async () => {
  await write(false);
  const { breaks, unchecked } = await audit();
  expect(breaks).toEqual([]);
  expect(unchecked.join()).toContain('which are not in this export');
  await write(true);
  expect(await audit()).toMatchObject({ breaks: [], unchecked: [] });
});

test('an export that was killed in a line of its index goes on', async () => {
  await write(false);
  appendFileSync(join(out(), 'histories', 'index.jsonl'), '{"workflowId":"aud');
  await expect(audit()).rejects.toMatchObject({ name: 'BadInputError' });
  await write(false);
  expect((await audit()).breaks).toEqual([]);
});

test('a directory with other files is refused and left as it is', async () => {
  mkdirSync(out());
  writeFileSync(join(out(), 'letter'), 'dear');
  await expect(write(false)).rejects.toMatchObject({ name: 'BadInputError', message: expect.stringContaining('one with other files') });
  expect(readdirSync(out())).toEqual(['letter']);
});

test.each(['../../etc/passwd', `${CAMPAIGN}/../../../x`, `${CAMPAIGN}/..`, '/etc/passwd', 'other', `${CAMPAIGN}/a\\..\\b`, ''])('an index that names workflow %j is refused', async (workflowId) => {
  await write(false);
  const index = join(out(), 'histories', 'index.jsonl');
  const [first] = readFileSync(index, 'utf8').split('\n');
  appendFileSync(index, `${JSON.stringify({ ...(JSON.parse(first!) as object), workflowId })}\n`);
  await expect(audit()).rejects.toMatchObject({ name: 'BadInputError', message: expect.stringMatching(/index\.jsonl, line \d+/) });
  await expect(write(false)).rejects.toMatchObject({ name: 'BadInputError' });
  expect(existsSync(join(directory, 'x'))).toBe(false);
});

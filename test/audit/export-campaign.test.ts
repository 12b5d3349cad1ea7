import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeHistory } from '../../activities/stored/history-bytes';
import { auditExport } from '../../audit/audit-export';
import type { AuditResult } from '../../audit/audit-campaign';
import { exportCampaign, type ExportResult } from '../../audit/export-campaign';
import { DOMAINS } from '../../seal/domains/registry';
import { ContentAddressedStore } from '../../storage/content-addressed-store';
import { CAMPAIGN, RecordedCampaign } from './recorded-campaign';

jest.setTimeout(300_000);

let recorded: RecordedCampaign;
let directory: string;
beforeAll(async () => {
  recorded = await RecordedCampaign.run({ spec: { concurrency: { candidates: 1 } }, eventsPerRun: 12, codeVersion: 'test+later' });
});
afterAll(() => recorded.stop());
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-export-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const out = (): string => join(directory, 'out');
const audit = (): Promise<AuditResult> => auditExport(CAMPAIGN, out(), DOMAINS, recorded.replaying);

function write(withArtifacts: boolean): Promise<ExportResult> {
  return exportCampaign({ campaignId: CAMPAIGN, store: new ContentAddressedStore(recorded.objects), server: recorded.server, directory: out(), withArtifacts });
}

/** Files of a workflow's runs, in their order. */
function historiesOf(workflow: string): string[] {
  const names = readdirSync(join(out(), 'histories')).filter((one) => one.startsWith(`${workflow.replaceAll('/', '~')}.`));
  const runs = names.map((name) => {
    const file = join(out(), 'histories', name);
    const started = decodeHistory(readFileSync(file)).events![0]!;
    return { file, at: Number(started.eventTime!.seconds) + Number(started.eventTime!.nanos ?? 0) / 1e9 };
  });
  return runs.sort((a, b) => a.at - b.at).map(({ file }) => file);
}

function flip(file: string): void {
  const bytes = readFileSync(file);
  bytes[bytes.length >> 1]! ^= 1;
  writeFileSync(file, bytes);
}

test('an export is audited without store and server, and a changed byte in a middle run of an epoch is named and mended', async () => {
  const written = await write(true);
  expect(written.problems).toEqual([]);
  expect(await audit()).toMatchObject({ breaks: [], unchecked: [], histories: written.histories, artifacts: written.artifacts });
  expect((await audit()).otherCode).toEqual([{ version: 'test+later', manifests: expect.any(Number) as number }]);
  const runs = historiesOf(`${CAMPAIGN}/epoch-1`);
  expect(runs.length).toBeGreaterThan(2);
  const [, file] = runs;
  flip(file!);
  const { breaks } = await audit();
  expect(breaks).toEqual([expect.objectContaining({ kind: 'history-changed', what: `histories/${file!.split('/').at(-1)}` })]);
  await write(true);
  expect((await audit()).breaks).toEqual([]);
});

test('an export holds what its campaign published while it was written', async () => {
  const { objects, server } = await recorded.unfolding();
  await exportCampaign({ campaignId: CAMPAIGN, store: new ContentAddressedStore(objects), server, directory: out(), withArtifacts: true });
  expect(await audit()).toMatchObject({ breaks: [], unchecked: [] });
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

test('what is left of an export is no whole one: cut short, without its index, its objects or its histories', async () => {
  await write(true);
  const about = join(out(), 'export.json');
  const whole = readFileSync(about, 'utf8');
  writeFileSync(about, JSON.stringify({ ...(JSON.parse(whole) as object), unfinished: true }));
  await expect(audit()).rejects.toMatchObject({ name: 'BadInputError', message: expect.stringContaining(`seal export-history ${CAMPAIGN} --out`) });
  writeFileSync(about, whole);
  renameSync(join(out(), 'objects', 'campaigns'), join(directory, 'campaigns'));
  const first = `campaigns/${CAMPAIGN}/campaign.json`;
  expect((await audit()).breaks).toContainEqual(expect.objectContaining({ kind: 'manifest-missing', what: first }));
  rmSync(join(out(), 'objects'), { recursive: true });
  await expect(audit()).rejects.toMatchObject({ name: 'BadInputError', message: expect.stringMatching(/objects: expected .* got no such directory/) });
  mkdirSync(join(out(), 'objects'));
  const index = join(out(), 'histories', 'index.jsonl');
  writeFileSync(index, '');
  const { breaks } = await audit();
  expect(breaks).toEqual([
    expect.objectContaining({ kind: 'manifest-missing', what: first }),
    expect.objectContaining({ kind: 'history-missing', what: `history of ${CAMPAIGN}` }),
  ]);
  rmSync(index);
  await expect(audit()).rejects.toMatchObject({ name: 'BadInputError', message: expect.stringMatching(/index\.jsonl: expected .* got no such file/) });
  await write(true);
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

import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { encodeHistory } from '../../activities/stored/history-bytes';
import { connectTemporal } from '../../temporal/connect';
import { startStack, stopStack } from '../../infra/stack/stack';
import { stackFiles } from '../../settings/stack-file';
import { temporalSettings } from '../../settings/temporal';
import { runCommand } from '../cli/run-command';
import { chat, MisbehavingServer, type ReceivedRequest, refusal } from '../endpoint/misbehaving-server';
import { writeTinyModel } from '../workflows/tiny-model';

jest.setTimeout(600_000);

/** What must not be seen: a word of each kind of text that a campaign is made of, and what protects it. */
const CANARIES = {
  passage: 'canarypassagezx',
  title: 'canarytitlezx',
  question: 'canaryquestionzx',
  answer: 'canaryanswerzx',
  selfEdit: 'canaryselfeditzx',
  path: 'canarypathzx',
  reason: 'canaryreasonzx',
  endpointKey: 'sk-canarykeyzx0123456789',
} as const;
const CODEC_KEY = randomBytes(32).toString('base64');

const env = process.env;
let endpoint: MisbehavingServer;
let home: string;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'seal-canary-'));
  endpoint = await MisbehavingServer.start();
});
afterEach(async () => {
  await stopStack({ home });
  await endpoint.stop();
  process.env = env;
  rmSync(home, { recursive: true, force: true });
});

function writeCampaign(): string {
  writeTinyModel(join(home, CANARIES.path), 5);
  const contexts = ['one', 'two', 'three'].map((word) => ({
    title: `${CANARIES.title} ${word}`,
    context: `the ${CANARIES.passage} of ${word}`,
    questions: [{ question: `who is ${CANARIES.question} ${word}`, answer: `${CANARIES.answer} ${word}` }],
  }));
  writeFileSync(join(home, 'contexts.json'), JSON.stringify(contexts));
  writeFileSync(join(home, 'template.txt'), 'Write about {title}: {context}\n');
  const connection = `url: "${endpoint.url}", model: any, apiKeyVariable: CANARY_API_KEY, retries: 0`;
  const file = join(home, 'campaign.yaml');
  writeFileSync(
    file,
    `name: canary
seed: 3
model: ${CANARIES.path}
epochs: 1
contexts: { train: { path: contexts.json, take: 2 }, heldOut: { path: contexts.json, skip: 2 } }
proposals: { template: template.txt, k: 2, source: endpoint, endpoint: { ${connection} } }
innerLoop: { rank: 2, alpha: 4, trainEpochs: 1, repeats: 1 }
reward: { grader: judge, judge: { ${connection} } }
mStep: { rank: 2, alpha: 4, trainEpochs: 1 }
evaluation: { baselines: [base], maxNewTokens: 4 }
concurrency: { group: 2 }
`,
  );
  return file;
}

async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await runCommand([...args, '--json']);
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** A whole campaign with real servers and a real worker, and another that fails, quoting what it was given. */
async function runCampaign(codec: Readonly<Record<string, string>>): Promise<void> {
  process.env = { ...env, TEMPORAL_ADDRESS: '', S3_ENDPOINT: '', SEAL_CODEC_KEYS: '', SEAL_HOME: home, CANARY_API_KEY: CANARIES.endpointKey, ...codec };
  await startStack({ home, env: process.env, ports: { temporal: 0, ui: null, s3: 0 } });
  const promptOf = ({ body }: ReceivedRequest): string => JSON.stringify(body['messages']);
  const helpful = chat((request) => (promptOf(request).includes('Write about') ? `A ${CANARIES.selfEdit}.` : 'no'));
  // As servers word their errors: with what they were sent, which may be anything of a campaign, and the key.
  const quoting = refusal(500, `no: ${Object.values(CANARIES).join(' ')}`);
  const file = writeCampaign();
  endpoint.behave([], helpful);
  await json('start', file, '--id', 'canary-1');
  await json('pause', 'canary-1', '--by', 'someone', '--why', CANARIES.reason);
  await json('resume', 'canary-1', '--by', 'someone', '--why', CANARIES.reason);
  await json('watch', 'canary-1');
  expect(endpoint.requests.length).toBeGreaterThan(5);
  endpoint.behave([quoting], helpful);
  await json('start', file, '--id', 'canary-2');
  // Whether it completes after its failure is another test's matter.
  await runCommand(['watch', 'canary-2']);
}

/** Everything that the Temporal server and the processes of this home keep, and every history as it leaves the server. */
async function kept(): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  const settings = temporalSettings();
  const connection = await connectTemporal(settings);
  const client = new Client({ connection, namespace: settings.namespace });
  for await (const { workflowId, runId } of client.workflow.list()) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    found.set(`history of ${workflowId}`, Buffer.from(encodeHistory(history)));
  }
  await connection.close();
  const files = readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(home, name)).isFile());
  // What the artifacts hold is the store's to protect; credentials and keys lie in files of their own.
  const ours = files.filter((name) => !/^(objects|object-metadata|cache|canarypathzx)\/|^(campaign\.yaml|contexts\.json|keys\.json|s3-credentials\.json)$/.test(name));
  for (const name of ours) found.set(name, readFileSync(join(home, name)));
  for (const [name, bytes] of await exported()) found.set(name, bytes);
  return found;
}

/** The record of both campaigns as it is handed to an auditor without artifacts, which hold the texts. */
async function exported(): Promise<Map<string, Buffer>> {
  const found = new Map<string, Buffer>();
  for (const campaignId of ['canary-1', 'canary-2']) {
    const directory = mkdtempSync(join(tmpdir(), 'seal-canary-export-'));
    try {
      await json('export-history', campaignId, '--out', directory);
      const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(directory, name)).isFile());
      for (const name of files) found.set(`export of ${campaignId}: ${name}`, readFileSync(join(directory, name)));
    } finally {
      rmSync(directory, { recursive: true });
    }
  }
  return found;
}

function whereIs(text: string, places: ReadonlyMap<string, Buffer>): string[] {
  return [...places].filter(([, bytes]) => bytes.includes(text)).map(([place]) => place);
}

test('with keys, no word of a campaign, no path and no credential is in the database, a log, a history or an export without artifacts', async () => {
  const keys = join(home, 'keys.json');
  writeFileSync(keys, JSON.stringify({ active: 'k1', keys: { k1: CODEC_KEY } }), { mode: 0o600 });
  await runCampaign({ SEAL_CODEC_KEYS: keys });
  const places = await kept();
  expect([...places.keys()]).toEqual(expect.arrayContaining(['temporal.db', 'temporal.db-wal', 'logs/worker.log', 'logs/temporal.log', 'history of canary-1']));
  const { secretAccessKey } = JSON.parse(readFileSync(join(home, stackFiles.credentials), 'utf8')) as { secretAccessKey: string };
  const secrets = { ...CANARIES, codecKey: CODEC_KEY, codecKeyBytes: CODEC_KEY.slice(0, 20), secretAccessKey };
  const leaks = Object.entries(secrets).flatMap(([kind, text]) => whereIs(text, places).map((place) => `${kind} in ${place}`));
  expect(leaks).toEqual([]);
  // The failure did happen, and whoever has the keys reads it.
  expect(whereIs('EndpointFailedError', places)).toContain('temporal.db-wal');
  expect(whereIs('binary/encrypted', places)).toContain('history of canary-1');
});

test('without keys they are there: what the search above would find', async () => {
  await runCampaign({});
  const places = await kept();
  const found = Object.entries(CANARIES).filter(([, text]) => whereIs(text, places).some((place) => /^temporal\.db|^history/.test(place)));
  expect(found.map(([kind]) => kind).sort()).toEqual(Object.keys(CANARIES).filter((kind) => kind !== 'endpointKey').sort());
});

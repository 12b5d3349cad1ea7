import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { type CampaignInput, ORCHESTRATION_QUEUE } from '../campaign/campaign';
import { campaignSpecSchema } from '../campaign/campaign-spec';
import { startStack, stopStack } from '../infra/stack/stack';
import { environment } from '../settings/environment';
import type { campaignWorkflow } from '../workflows/campaign';
import type { BenchRun } from './bench-run';
import { processMemory } from './process-memory';

const CANDIDATES = [250, 1_000, 5_000];
const QUICK_CANDIDATES = [50];
/** The first one is what the others are compared with: pages of ids and of histories are full. */
const LIMITS = [{ candidates: 2_000, epochs: 1 }, { candidates: 50_000, epochs: 1 }, { candidates: 5, epochs: 1_000 }];
const QUICK_LIMITS = [{ candidates: 100, epochs: 1 }, { candidates: 5, epochs: 5 }];
/** Ids with more digits take a few bytes, times a page of them. */
const MOST_GROWTH = 1.15;
const PER_CONTEXT = 5;
const WINDOW = 64;
const MEGABYTE = 1e6;
const LISTED_MS = 30_000;
const POLL_MS = 200;

/** Candidates that do nothing, in one epoch: what the durable tree costs. @returns whether every candidate was scored once */
export function benchFanOut(run: BenchRun): Promise<boolean> {
  return withServer(run, async (server) => {
    let isWhole = true;
    for (const candidates of run.options.quick ? QUICK_CANDIDATES : CANDIDATES) {
      const { isComplete } = await benchCampaign(run, server, 'fan-out', { candidates, epochs: 1, isFailing: false });
      isWhole &&= isComplete;
    }
    return isWhole;
  });
}

/** As large as campaigns may be, every fifth candidate failing at length. @returns whether none was lost, and the largest payload is that of a small campaign */
export function benchLimits(run: BenchRun): Promise<boolean> {
  return withServer(run, async (server) => {
    const [few, ...many] = run.options.quick ? QUICK_LIMITS : LIMITS;
    const small = await benchCampaign(run, server, 'limits', { ...few!, isFailing: true });
    let isWhole = small.isComplete;
    for (const size of many) {
      const { isComplete, largestPayload } = await benchCampaign(run, server, 'limits', { ...size, isFailing: true });
      isWhole &&= isComplete && largestPayload <= MOST_GROWTH * small.largestPayload;
    }
    return isWhole;
  });
}

interface Server {
  readonly client: Client;
  readonly address: string;
  readonly namespace: string;
  readonly pid: number | null;
  readonly home: string;
}

async function withServer(run: BenchRun, body: (server: Server) => Promise<boolean>): Promise<boolean> {
  const home = join(run.options.directory, 'fan-out');
  mkdirSync(home, { recursive: true });
  const stack = await startStack({ home, env: withoutServers(), worker: false, ports: { temporal: 0, ui: null, s3: 0 }, say: run.options.say });
  if (stack.temporal === null) throw new Error('no Temporal server was started');
  const { address, namespace, pid } = stack.temporal;
  const connection = await Connection.connect({ address });
  try {
    return await body({ client: new Client({ connection, namespace }), address, namespace, pid, home });
  } finally {
    await connection.close();
    await stopStack({ home });
  }
}

interface CampaignSize {
  /** Of each epoch. */
  readonly candidates: number;
  readonly epochs: number;
  /** Whether every fifth candidate fails, with a long reason. */
  readonly isFailing: boolean;
}

/** Each campaign has a worker of its own, on one embedded server. */
async function benchCampaign(run: BenchRun, server: Server, group: string, size: CampaignSize): Promise<{ readonly isComplete: boolean; readonly largestPayload: number }> {
  const { candidates, epochs, isFailing } = size;
  const work = epochs === 1 ? `an epoch of ${candidates} candidates` : `${epochs} epochs of ${candidates} candidates`;
  run.options.say(work);
  const payloads = join(server.home, 'largest-payload');
  const worker = startWorker(server, payloads, isFailing);
  let measured: Measured;
  let memory: string;
  try {
    measured = await measure(server.client, size);
    const peak = (of: number | null | undefined): string => (of ? `${(processMemory(of).peak / MEGABYTE).toFixed(0)} MB` : 'unknown');
    memory = `worker ${peak(worker.pid)}, Temporal server ${peak(server.pid)}`;
  } finally {
    await ended(worker);
  }
  const largestPayload = Number(readFileSync(payloads, 'utf8'));
  const planned = candidates * epochs;
  run.options.print({
    group,
    work: `${work}, each`,
    peer: '-',
    unit: 'ms',
    ours: (1000 * measured.seconds) / planned,
    theirs: null,
    note: [
      `${(planned / measured.seconds).toFixed(1)} candidates/s`,
      `${(measured.epochEvents / candidates).toFixed(1)} events each in the last epoch (${measured.runs} runs, the longest ${measured.longestRun}), ${measured.candidateEvents} of its own`,
      `peak memory: ${memory}`,
      `largest payload ${largestPayload} bytes`,
      `${measured.scored} scored, ${measured.failed} failed, ${measured.executions} workflow executions in the last epoch`,
    ].join('; '),
  });
  const failed = isFailing ? planned / 5 : 0;
  return { isComplete: measured.scored === planned - failed && measured.failed === failed && measured.executions === candidates, largestPayload };
}

interface Measured {
  readonly seconds: number;
  readonly scored: number;
  readonly failed: number;
  /** Of the last epoch's candidates: as many as there are candidates where none was started twice. */
  readonly executions: number;
  readonly epochEvents: number;
  readonly runs: number;
  readonly longestRun: number;
  readonly candidateEvents: number;
}

async function measure(client: Client, { candidates, epochs }: CampaignSize): Promise<Measured> {
  const input = inputOf(candidates, epochs);
  const handle = await client.workflow.start<typeof campaignWorkflow>('campaignWorkflow', { workflowId: input.campaignId, taskQueue: ORCHESTRATION_QUEUE, args: [input] });
  const { progress } = await handle.result();
  const lengths: number[] = [];
  const epochId = `${input.campaignId}/epoch-${epochs}`;
  const last = await client.workflow.getHandle(epochId).describe();
  let started = last.startTime;
  for (let runId = last.runId; runId !== ''; ) {
    const { events } = await client.workflow.getHandle(epochId, runId).fetchHistory();
    const first = events?.[0];
    lengths.push(events?.length ?? 0);
    started = new Date(Number(first?.eventTime?.seconds ?? 0) * 1000 + Number(first?.eventTime?.nanos ?? 0) / 1e6);
    runId = first?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
  }
  const candidate = await client.workflow.getHandle(`${epochId}/context0/c1`).describe();
  return {
    seconds: epochs === 1 ? ((last.closeTime ?? new Date()).getTime() - started.getTime()) / 1000 : (progress.wallSeconds ?? 0),
    scored: progress.candidates.done,
    failed: progress.candidates.failed,
    executions: await executionsIn(client, epochId, candidates),
    epochEvents: lengths.reduce((sum, length) => sum + length, 0),
    runs: lengths.length,
    longestRun: Math.max(...lengths),
    candidateEvents: candidate.historyLength,
  };
}

/** The server lists what it has closed a little later. */
async function executionsIn(client: Client, epochId: string, expected: number): Promise<number> {
  const query = `WorkflowType = 'candidateWorkflow' AND WorkflowId STARTS_WITH '${epochId}/'`;
  let count = 0;
  for (const deadline = Date.now() + LISTED_MS; Date.now() < deadline && count < expected; await sleep(POLL_MS)) ({ count } = await client.workflow.count(query));
  return count;
}

function inputOf(candidates: number, epochs: number): CampaignInput {
  const spec = campaignSpecSchema.parse({
    name: 'fan-out',
    seed: 1,
    model: 'model',
    epochs,
    contexts: { train: { path: 'train.json' }, heldOut: { path: 'held-out.json' } },
    proposals: { k: PER_CONTEXT },
    innerLoop: { repeats: 1 },
    evaluation: { baselines: ['base'] },
    concurrency: { candidates: WINDOW },
  });
  const ref = { sha256: '0'.repeat(64), sizeBytes: 1, mediaType: 'application/json' };
  return {
    campaignId: `fan-out-${candidates}-${epochs}`,
    spec,
    specSha256: ref.sha256,
    codeVersion: 'bench',
    model: { directory: '/nowhere', files: {} },
    train: ref,
    heldOut: ref,
    contexts: { train: candidates / PER_CONTEXT, heldOut: 1 },
  };
}

function startWorker({ address, namespace, home }: Server, payloads: string, isFailing: boolean): ChildProcess {
  const env = { ...withoutServers(), TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace };
  return spawn(process.execPath, [join(__dirname, 'fan-out-worker.js'), home, payloads, ...(isFailing ? ['failing'] : [])], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

function ended(worker: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    worker.once('exit', () => resolve());
    if (!worker.kill('SIGTERM')) resolve();
  });
}

/** Servers of the user's own are left alone. */
function withoutServers(): NodeJS.ProcessEnv {
  const { TEMPORAL_ADDRESS: _temporal, S3_ENDPOINT: _s3, ...env } = environment();
  return env;
}

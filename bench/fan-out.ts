import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
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
const PER_CONTEXT = 5;
const WINDOW = 64;
const MEGABYTE = 1e6;
const LISTED_MS = 30_000;
const POLL_MS = 200;

/**
 * Candidates that do nothing, in one epoch: what the durable tree costs. Each size has a worker of its own, on one embedded server.
 * @returns whether every candidate was scored once
 */
export async function benchFanOut(run: BenchRun): Promise<boolean> {
  const home = join(run.options.directory, 'fan-out');
  mkdirSync(home, { recursive: true });
  const stack = await startStack({ home, env: withoutServers(), worker: false, ports: { temporal: 0, ui: null, s3: 0 }, say: run.options.say });
  if (stack.temporal === null) throw new Error('no Temporal server was started');
  const { address, namespace, pid } = stack.temporal;
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  let isWhole = true;
  try {
    for (const candidates of run.options.quick ? QUICK_CANDIDATES : CANDIDATES) {
      run.options.say(`an epoch of ${candidates} candidates`);
      const worker = startWorker(address, namespace, home);
      try {
        const measured = await measure(client, candidates);
        const memory = (of: number | null | undefined): string => (of ? `${(processMemory(of).peak / MEGABYTE).toFixed(0)} MB` : 'unknown');
        isWhole &&= measured.scored === candidates && measured.executions === candidates;
        run.options.print({
          group: 'fan-out',
          work: `an epoch of ${candidates} candidates, each`,
          peer: '-',
          unit: 'ms',
          ours: (1000 * measured.seconds) / candidates,
          theirs: null,
          note: [
            `${(candidates / measured.seconds).toFixed(1)} candidates/s`,
            `${(measured.epochEvents / candidates).toFixed(1)} events each in the epoch (${measured.runs} runs, the longest ${measured.longestRun}), ${measured.candidateEvents} of its own`,
            `peak memory: worker ${memory(worker.pid)}, Temporal server ${memory(pid)}`,
            `${measured.scored} scored, ${measured.executions} workflow executions`,
          ].join('; '),
        });
      } finally {
        await ended(worker);
      }
    }
  } finally {
    await connection.close();
    await stopStack({ home });
  }
  return isWhole;
}

interface Measured {
  readonly seconds: number;
  readonly scored: number;
  /** Of candidates: as many as there are candidates where none was started twice. */
  readonly executions: number;
  readonly epochEvents: number;
  readonly runs: number;
  readonly longestRun: number;
  readonly candidateEvents: number;
}

async function measure(client: Client, candidates: number): Promise<Measured> {
  const input = inputOf(candidates);
  const handle = await client.workflow.start<typeof campaignWorkflow>('campaignWorkflow', { workflowId: input.campaignId, taskQueue: ORCHESTRATION_QUEUE, args: [input] });
  const { progress } = await handle.result();
  const lengths: number[] = [];
  const epochId = `${input.campaignId}/epoch-1`;
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
    seconds: ((last.closeTime ?? new Date()).getTime() - started.getTime()) / 1000,
    scored: progress.candidates.done,
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

function inputOf(candidates: number): CampaignInput {
  const spec = campaignSpecSchema.parse({
    name: 'fan-out',
    seed: 1,
    model: 'model',
    epochs: 1,
    contexts: { train: { path: 'train.json' }, heldOut: { path: 'held-out.json' } },
    proposals: { k: PER_CONTEXT },
    innerLoop: { repeats: 1 },
    evaluation: { baselines: ['base'] },
    concurrency: { candidates: WINDOW },
  });
  const ref = { sha256: '0'.repeat(64), sizeBytes: 1, mediaType: 'application/json' };
  return {
    campaignId: `fan-out-${candidates}`,
    spec,
    specSha256: ref.sha256,
    codeVersion: 'bench',
    model: { directory: '/nowhere', files: {} },
    train: ref,
    heldOut: ref,
    contexts: { train: candidates / PER_CONTEXT, heldOut: 1 },
  };
}

function startWorker(address: string, namespace: string, directory: string): ChildProcess {
  const env = { ...withoutServers(), TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace };
  return spawn(process.execPath, [join(__dirname, 'fan-out-worker.js'), directory], { env, stdio: ['ignore', 'ignore', 'inherit'] });
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

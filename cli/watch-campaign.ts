import { setTimeout as sleep } from 'node:timers/promises';
import { MultiBar, type SingleBar } from 'cli-progress';
import type { CampaignProgress, CampaignState } from '../campaign/campaign';
import { type CampaignClient } from './campaign-client';
import { mayPass, NoWorkerError } from './campaign-failures';
import { campaignStatus, hasEnded, waitingLine } from './campaign-status';
import { duration } from './duration';
import type { Output } from './output';
import type { WaitingActivities } from './waiting-activities';

const POLL_MS = 1000;
const SPARSE_MS = 15_000;
const PHASE_WIDTH = 28;

/** Follows a campaign to its end on stderr: a bar on a terminal; elsewhere a line when the phase changes, and every 15 s. */
export async function watchCampaign(
  campaigns: CampaignClient,
  campaignId: string,
  output: Output,
  signal: AbortSignal,
): Promise<CampaignProgress> {
  const display = process.stderr.isTTY ? barDisplay() : lineDisplay((line) => output.log(line));
  let still = { at: '', sinceMs: performance.now() };
  /** To ask costs a request a workflow, so only who gets nowhere is asked. */
  const sayWhatItWaitsFor = async (progress: CampaignProgress): Promise<void> => {
    const at = JSON.stringify([progress.phase, progress.candidates]);
    if (at !== still.at) still = { at, sinceMs: performance.now() };
    if (performance.now() - still.sinceMs < SPARSE_MS) return;
    still = { at, sinceMs: performance.now() };
    for (const waiting of await campaigns.waiting(campaignId).catch(noneIfPassing)) display.say(waitingLine(waiting));
  };
  try {
    for (;;) {
      const progress = await statusOrWait(campaigns, campaignId, display);
      if (progress !== null) {
        display.show(progress);
        if (hasEnded(progress.state)) return progress;
        await sayWhatItWaitsFor(progress);
      }
      await sleep(POLL_MS, undefined, { signal });
    }
  } finally {
    display.stop();
  }
}

/** The next look at its status says what is wrong. */
function noneIfPassing(error: unknown): readonly WaitingActivities[] {
  if (mayPass(error)) return [];
  throw error;
}

/** A worker that is away comes back, it is supervised; so does a server. */
async function statusOrWait(campaigns: CampaignClient, campaignId: string, display: Display): Promise<CampaignProgress | null> {
  try {
    return await campaignStatus(campaigns, campaignId);
  } catch (error) {
    if (!mayPass(error)) throw error;
    if (error instanceof NoWorkerError) {
      const execution = await campaigns.find(campaignId);
      if (execution?.closed === true) return endWithoutWorker(campaignId, execution.state);
    }
    display.say(`waiting: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

/** Only a worker can tell how far a campaign came; that it has ended, the server knows. */
function endWithoutWorker(campaignId: string, state: CampaignState): CampaignProgress {
  const candidates = { total: 0, running: 0, done: 0, failed: 0, rejected: 0 };
  return { campaignId, state, epoch: 0, candidates, phase: state, etaSeconds: null };
}

interface Display {
  show(progress: CampaignProgress): void;
  say(line: string): void;
  stop(): void;
}

function etaText(progress: CampaignProgress): string {
  return progress.etaSeconds === null ? '' : `about ${duration(progress.etaSeconds)} left`;
}

function barDisplay(): Display {
  const bars = new MultiBar({
    stream: process.stderr,
    format: '[{bar}] {value}/{total} candidates | {phase} | {left}',
    barsize: 24,
    hideCursor: true,
    gracefulExit: false,
  });
  let bar: SingleBar | undefined;
  return {
    show(progress) {
      const { total } = progress.candidates;
      const payload = { phase: phaseText(progress).padEnd(PHASE_WIDTH), left: etaText(progress) };
      bar ??= bars.create(total, 0, payload);
      bar.setTotal(total);
      bar.update(finished(progress), payload);
    },
    say(line) {
      bars.log(`${line}\n`);
    },
    stop() {
      bars.stop();
    },
  };
}

function lineDisplay(log: (line: string) => void): Display {
  let lastPhase = '';
  let lastMs = 0;
  const write = (line: string): void => {
    log(line);
    lastMs = performance.now();
  };
  return {
    show(progress) {
      const phase = phaseText(progress);
      if (phase === lastPhase && performance.now() - lastMs < SPARSE_MS) return;
      lastPhase = phase;
      write([phase, `${finished(progress)}/${progress.candidates.total} candidates`, etaText(progress)].filter((part) => part !== '').join(', '));
    },
    say(line) {
      if (lastPhase === line && performance.now() - lastMs < SPARSE_MS) return;
      lastPhase = line;
      write(line);
    },
    stop() {
      // Lines need no tidying.
    },
  };
}

/** Scored, failed or rejected. */
function finished({ candidates: { done, failed, rejected } }: CampaignProgress): number {
  return done + failed + rejected;
}

function phaseText({ state, phase }: CampaignProgress): string {
  return state === 'running' ? phase : state;
}

import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from '../infra/stack/own-process';
import type { DisturbedCampaign } from './disturbed-campaign';
import { type DisturbedStack, killed, type ProcessIdentity } from './disturbed-stack';
import type { KillRecord } from './kill-record';
import type { FirstStartVictim, RunningTarget } from './schedule';

const POLL_MS = 50;
/** What is not back by then, whoever was asked, does not come back. */
const RETURN_LIMIT_MS = 300_000;
/** What is supervised is back within this, or nobody brings it back: then `seal up` must. */
const PATIENCE_MS: Readonly<Record<RunningTarget, number>> = {
  worker: 90_000,
  compute: 120_000,
  // A server under a supervisor starts again within a second or two.
  temporal: 10_000,
  s3: 10_000,
  // Nobody supervises these two.
  supervisor: 3_000,
  'server-supervisor': 3_000,
};

/** Waits for the target, kills it and waits until the campaign goes on. @returns null if the campaign was done before */
export async function killRunning(
  target: RunningTarget,
  { stack, campaign, startedMs, signal }: { stack: DisturbedStack; campaign: DisturbedCampaign; startedMs: number; signal: AbortSignal },
): Promise<KillRecord | null> {
  const victim = await found(target, stack, campaign, signal);
  if (victim === null) return null;
  const killedMs = performance.now();
  const since = (): number => (performance.now() - killedMs) / 1000;
  let restartedBy: KillRecord['restartedBy'] = 'itself';
  let asked = false;
  while (!(await stack.isBack(target, victim))) {
    // The language model starts with the next computation, which may never come.
    if (target === 'compute' && (await campaign.isDone())) break;
    if (!asked && since() * 1000 > PATIENCE_MS[target]) {
      asked = true;
      restartedBy = 'seal up';
      await stack.up();
    }
    if (since() * 1000 > RETURN_LIMIT_MS) throw new Error(`${target} was killed and is not back after ${RETURN_LIMIT_MS / 1000} s`);
    await sleep(POLL_MS, undefined, { signal });
  }
  const downSeconds = since();
  await campaign.untilProgress(signal);
  return { target, victim: `pid ${victim.pid}`, atSeconds: (killedMs - startedMs) / 1000, downSeconds, recoverySeconds: since(), restartedBy };
}

async function found(target: RunningTarget, stack: DisturbedStack, campaign: DisturbedCampaign, signal: AbortSignal): Promise<ProcessIdentity | null> {
  while (!(await campaign.isDone())) {
    const victim = stack.find(target);
    // It may end between the look and the signal.
    if (victim !== null && killed(victim)) return victim;
    await sleep(POLL_MS, undefined, { signal });
  }
  return null;
}

/** Starts a stack and kills the victim meanwhile, then sees to it that the stack comes up all the same. */
export async function killInFirstStart(stack: DisturbedStack, victim: FirstStartVictim, waitMs: number): Promise<KillRecord> {
  const startedMs = performance.now();
  let killedMs: number | null = null;
  let what = `${victim}, ${waitMs} ms old`;
  const up = await stack.startFirst(async (starter) => {
    const appeared = await appearing(stack, victim, starter);
    if (appeared === null) return;
    await sleep(waitMs);
    if (killed(appeared)) killedMs = performance.now();
  });
  // It was faster than the schedule: what it started is killed instead, as soon as it is all there.
  if (killedMs === null) {
    const server = stack.recorded('temporal');
    if (server === null || !killed(server)) throw new Error(`the first start of ${stack.home} left nothing to kill`);
    killedMs = performance.now();
    what = `temporal, just up (${victim} was done sooner than ${waitMs} ms)`;
  }
  await stack.up();
  const recoverySeconds = (performance.now() - killedMs) / 1000;
  return {
    target: 'first-start',
    victim: what,
    atSeconds: (killedMs - startedMs) / 1000,
    downSeconds: recoverySeconds,
    recoverySeconds,
    restartedBy: up ? 'itself' : 'seal up',
  };
}

/** The victim, as soon as it is there; null if the start ends without it. */
async function appearing(stack: DisturbedStack, victim: FirstStartVictim, starter: ProcessIdentity): Promise<ProcessIdentity | null> {
  if (victim === 'starter') return starter;
  for (;;) {
    const process = stack.recorded(victim);
    if (process !== null) return process;
    if (!isRunning(starter)) return null;
    await sleep(5);
  }
}

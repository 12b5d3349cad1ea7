import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { PreparedCampaign } from '../cli/prepare-campaign';
import { type CampaignState } from '../campaign/campaign';
import { keyPrefixes } from '../record/keys';
import { auditOf } from './audited';
import { type Committed, committedBy, unreadableArtifacts } from './committed';
import { CAMPAIGN_ID, DisturbedCampaign } from './disturbed-campaign';
import { DisturbedStack } from './disturbed-stack';
import { type Replayed, replayAll } from './histories';
import type { KillRecord } from './kill-record';
import { killInFirstStart, killRunning } from './kills';
import { leftoversIn } from './leftovers';
import { redoneWork, type RedoneWork } from './redone-work';
import { KILLS_A_ROUND, type PlannedKill } from './schedule';

export interface RoundOptions {
  /** Of the stack, absolute. */
  readonly home: string;
  readonly prepared: PreparedCampaign;
  /** What is to happen, in order; what is left when the campaign is done is not done. */
  readonly plan: readonly PlannedKill[];
  /** How long the campaign takes where nothing happens. */
  readonly usualSeconds: number;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface RoundOutcome {
  readonly kills: readonly KillRecord[];
  /** Of the campaign, from its start to its end. */
  readonly seconds: number;
  readonly state: CampaignState;
  readonly committed: Committed;
  /** Artifacts that a manifest names and the store does not have whole. */
  readonly unreadable: readonly string[];
  readonly replayed: Replayed;
  /** What `seal audit` finds. */
  readonly auditBreaks: readonly string[];
  readonly redone: RedoneWork;
  /** Processes, locks, temporary files and checkpoints that are there when all is stopped. */
  readonly leftovers: readonly string[];
}

/** One campaign in a stack of its own, from its first start to its end, while the plan is carried out; then what came of it. */
export async function runRound({ home, prepared, plan, usualSeconds, signal, say }: RoundOptions): Promise<RoundOutcome> {
  const stack = new DisturbedStack(home);
  const kills: KillRecord[] = [];
  const happened = (kill: KillRecord): void => {
    kills.push(kill);
    say(describeKill(kill));
  };
  try {
    const startedMs = performance.now();
    const [first, ...rest] = plan;
    if (first?.target === 'first-start') happened(await killInFirstStart(stack, first.victim, first.waitMs));
    else if (!(await stack.startFirst(() => Promise.resolve()))) await stack.up();
    signal.throwIfAborted();
    const campaign = await DisturbedCampaign.start(home, prepared);
    const campaignMs = performance.now();
    for (const kill of first?.target === 'first-start' ? rest : plan) {
      if (kill.target === 'first-start') throw new RangeError('a stack has one first start');
      await sleep((kill.wait * usualSeconds * 1000) / KILLS_A_ROUND, undefined, { signal });
      const record = await killRunning(kill.target, { stack, campaign, startedMs, signal });
      if (record === null) break;
      happened(record);
    }
    const state = await campaign.untilClosed(signal);
    const seconds = (performance.now() - campaignMs) / 1000;
    const replayed = await replayAll(campaign.temporal, join(home, 'cache'));
    const auditBreaks = await auditOf(home, CAMPAIGN_ID);
    const found = await campaign.withStore(async (store) => {
      const committed = await committedBy(store, CAMPAIGN_ID);
      const [unreadable, redone] = [await unreadableArtifacts(store, committed), await redoneWork(store, CAMPAIGN_ID, committed)];
      return { committed, unreadable, redone, checkpoints: await store.list(keyPrefixes.checkpoints(CAMPAIGN_ID)) };
    });
    await stack.down();
    return { kills, seconds, state, replayed, auditBreaks, ...found, leftovers: [...leftoversIn(home), ...found.checkpoints] };
  } finally {
    await stack.down();
  }
}

function describeKill({ target, victim, atSeconds, downSeconds, recoverySeconds, restartedBy }: KillRecord): string {
  const [at, down, recovery] = [atSeconds, downSeconds, recoverySeconds].map((seconds) => seconds.toFixed(1));
  return `${at} s: killed ${target} (${victim}); back after ${down} s by ${restartedBy}, progress after ${recovery} s`;
}

import { quantile } from '../seal/statistics/correlation';
import { differences } from './committed';
import type { KillRecord } from './kill-record';
import type { RoundOutcome } from './round';

/** `chaos.json`, and what `--json` prints. */
export interface Verdict {
  /** Those that were done, in campaigns that were compared. */
  readonly kills: number;
  /** More than were done where the run was interrupted. */
  readonly planned: number;
  readonly seed: number;
  readonly identical: boolean;
  /** One line for everything that is not as it would have been without kills. */
  readonly findings: readonly string[];
  readonly campaigns: number;
  readonly adapters: number;
  readonly histories: number;
  /** Seconds from a kill until the campaign went on, by what was killed. */
  readonly recovery: Readonly<Record<string, Recovery>>;
  readonly redone: Redone;
  readonly undisturbedSeconds: number;
  readonly disturbedSeconds: readonly number[];
  readonly schedule: readonly KillRecord[];
}

/** What was computed again. */
export interface Redone {
  /** Optimiser steps, by the campaigns' ledgers. */
  readonly steps: number;
  /** What these took, at the seconds that a step took undisturbed. */
  readonly trainingSeconds: number;
  /** The interval of checkpoints times the kills: more must not be trained again. */
  readonly limitSeconds: number;
  /** Generation and evaluation, which have no checkpoints, as far as workers lived to record them. */
  readonly otherSeconds: number;
}

export interface Recovery {
  readonly n: number;
  readonly p50: number;
  readonly p95: number;
  readonly restartedBySealUp: number;
}

/** What is wrong with a round, if anything: compared with one that nobody disturbed. */
export function findingsOf(undisturbed: RoundOutcome, round: RoundOutcome): string[] {
  return [
    ...(round.state === 'completed' ? [] : [`the campaign ended as ${round.state}`]),
    ...differences(undisturbed.committed, round.committed),
    ...round.unreadable,
    ...round.replayed.broken.map((line) => `history of ${line}`),
    ...(round.replayed.histories === 0 ? ['no history was replayed'] : []),
    ...round.auditBreaks.map((line) => `audit: ${line}`),
    ...round.leftovers.map((line) => `left behind: ${line}`),
  ];
}

export interface Compared {
  /** Kills that were asked for. */
  readonly planned: number;
  readonly seed: number;
  /** `limits.checkpointSeconds` of the campaign file. */
  readonly checkpointSeconds: number;
  readonly undisturbed: RoundOutcome;
  readonly rounds: readonly RoundOutcome[];
  /** What kept the run from its end, if anything. */
  readonly broken: readonly string[];
}

export function verdictOf({ planned, seed, checkpointSeconds, undisturbed, rounds, broken }: Compared): Verdict {
  const schedule = rounds.flatMap(({ kills }) => kills);
  const redone = redoneOf(rounds, undisturbed.redone.secondsAStep, checkpointSeconds * schedule.length);
  const findings = [
    ...findingsOf(undisturbed, undisturbed).map((line) => `undisturbed: ${line}`),
    ...rounds.flatMap((round, i) => findingsOf(undisturbed, round).map((line) => `campaign ${i + 1}: ${line}`)),
    ...(redone.trainingSeconds > redone.limitSeconds ? [`trained again: ${redoneInWords(redone)}`] : []),
    ...broken,
  ];
  const sum = (of: (round: RoundOutcome) => number): number => rounds.reduce((total, round) => total + of(round), 0);
  return {
    kills: schedule.length,
    planned,
    seed,
    identical: findings.length === 0,
    findings,
    campaigns: rounds.length,
    adapters: sum(({ committed }) => [...committed.values()].filter(({ kind }) => kind === 'adapter' || kind === 'policy').length),
    histories: sum(({ replayed }) => replayed.histories),
    recovery: Object.fromEntries([...new Set(schedule.map(({ target }) => target))].sort().map((target) => [target, recoveryOf(schedule.filter((kill) => kill.target === target))])),
    redone,
    undisturbedSeconds: undisturbed.seconds,
    disturbedSeconds: rounds.map(({ seconds }) => seconds),
    schedule,
  };
}

function redoneOf(rounds: readonly RoundOutcome[], secondsAStep: number, limitSeconds: number): Redone {
  const steps = rounds.reduce((total, { redone }) => total + redone.redoneSteps, 0);
  const otherSeconds = rounds.reduce((total, { redone }) => total + redone.otherSeconds, 0);
  return { steps, trainingSeconds: steps * secondsAStep, limitSeconds, otherSeconds };
}

function redoneInWords({ steps, trainingSeconds, limitSeconds, otherSeconds }: Redone): string {
  return `${steps} steps of training ${trainingSeconds.toFixed(1)} s of at most ${limitSeconds.toFixed(1)} s, other work ${otherSeconds.toFixed(1)} s`;
}

function recoveryOf(kills: readonly KillRecord[]): Recovery {
  const seconds = kills.map(({ recoverySeconds }) => recoverySeconds);
  const restartedBySealUp = kills.filter(({ restartedBy }) => restartedBy === 'seal up').length;
  return { n: kills.length, p50: quantile(seconds, 0.5), p95: quantile(seconds, 0.95), restartedBySealUp };
}

/** `6 kills, identical: true, recovery p50 4.2 s p95 24.1 s (...), redone 4 steps of training 0.2 s of at most 6.0 s, other work 1.3 s` */
export function lastLine({ kills, planned, identical, schedule, recovery, redone }: Verdict): string {
  const figures = (of: { readonly p50: number; readonly p95: number }): string => `p50 ${of.p50.toFixed(1)} s p95 ${of.p95.toFixed(1)} s`;
  const all = schedule.length === 0 ? 'none' : figures(recoveryOf(schedule));
  const each = Object.entries(recovery).map(([target, of]) => `${target} ${figures(of)}`);
  const rest = kills < planned && identical ? `, interrupted before the other ${planned - kills}` : '';
  return `${kills} kills, identical: ${identical}${rest}, recovery ${all} (${each.join('; ')}), redone ${redoneInWords(redone)}`;
}

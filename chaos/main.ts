import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { writableDirectory } from '../cli/directories';
import { prepareCampaign, type PreparedCampaign } from '../cli/prepare-campaign';
import { BadInputError } from '../campaign/errors';
import { packageRoot } from '../infra/stack/package-root';
import { wantsStacks } from '../settings/environment';
import { parseArguments } from './arguments';
import { runRound, type RoundOutcome } from './round';
import { type PlannedKill, planKills } from './schedule';
import { findingsOf, lastLine, type Verdict, verdictOf } from './verdict';

const CAMPAIGN_FILE = join('examples', 'campaigns', 'chaos.yaml');
const say = (line: string): void => void process.stderr.write(`chaos: ${line}\n`);

/** Runs a campaign undisturbed, then again and again under kills until all are done, and compares. */
async function main(): Promise<void> {
  const { kills, seed, campaign, json, out, keep } = parseArguments(process.argv.slice(2));
  const prepared = await prepareCampaign(campaign ?? join(packageRoot(), CAMPAIGN_FILE));
  if (out !== null) writableDirectory('--out', out);
  const directory = out === null ? mkdtempSync(join(tmpdir(), 'seal-chaos-')) : resolve(out);
  mkdirSync(directory, { recursive: true });
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupt.abort(new Error(`ended by ${signal}; everything that was started is stopped`)));
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined), shutdownSignals: [] });
  const homes: string[] = [];
  let verdict: Verdict | null = null;
  try {
    verdict = await run({ kills, seed, prepared, signal: interrupt.signal, home: (name) => homes[homes.push(join(directory, name)) - 1]! });
    writeFileSync(join(directory, 'chaos.json'), `${JSON.stringify(verdict, null, 2)}\n`);
  } finally {
    const evidence = verdict !== null && !verdict.identical;
    if (keep || evidence) say(`stacks and logs: ${directory}`);
    else for (const home of out === null ? [directory] : homes) rmSync(home, { recursive: true, force: true });
  }
  process.exitCode = verdict.identical && verdict.kills === verdict.planned ? 0 : 1;
  if (json) process.stdout.write(`${JSON.stringify(verdict)}\n`);
  (json ? process.stderr : process.stdout).write(`${lastLine(verdict)}\n`);
}

/** Campaigns in a row that may be done before the first kill. */
const MOST_UNDISTURBED = 3;

interface Run {
  readonly kills: number;
  readonly seed: number;
  readonly prepared: PreparedCampaign;
  readonly signal: AbortSignal;
  /** A directory for a stack. */
  readonly home: (name: string) => string;
}

async function run({ kills, seed, prepared, signal, home }: Run): Promise<Verdict> {
  const plan = planKills(kills, seed);
  say(`${kills} kills from seed ${seed}: ${plan.map(describePlan).join(', ')}`);
  say('a campaign that nobody disturbs');
  const undisturbed = await runRound({ home: home('undisturbed'), prepared, plan: [], usualSeconds: 0, signal, say });
  say(`it took ${undisturbed.seconds.toFixed(1)} s`);
  for (const finding of findingsOf(undisturbed, undisturbed)) say(`undisturbed: ${finding}`);
  const compared = { planned: kills, seed, checkpointSeconds: prepared.spec.limits.checkpointSeconds, undisturbed };
  const rounds: RoundOutcome[] = [];
  const brokenBy = (reason: string): Verdict => {
    say(reason);
    return verdictOf({ ...compared, rounds, broken: [reason] });
  };
  const left = [...plan];
  while (left.length > 0) {
    const name = `campaign-${rounds.length + 1}`;
    say(`${name}: ${left.length} kills to go`);
    // A machine that others use too is not always as fast as it was at first.
    const usualSeconds = Math.min(undisturbed.seconds, ...rounds.map(({ seconds }) => seconds));
    const options = { home: home(name), prepared, plan: untilNextFirstStart(left), usualSeconds, signal };
    let round: RoundOutcome;
    try {
      round = await runRound({ ...options, say: (line) => say(`${name}: ${line}`) });
    } catch (error) {
      // What was done before has been compared.
      if (signal.aborted && rounds.length > 0) {
        say((signal.reason as Error).message);
        return verdictOf({ ...compared, rounds, broken: [] });
      }
      signal.throwIfAborted();
      return brokenBy(`${name} did not end: ${String(error)}`);
    }
    left.splice(0, round.kills.length);
    rounds.push(round);
    if (rounds.slice(-MOST_UNDISTURBED).reduce((sum, { kills: done }) => sum + done.length, 0) === 0 && rounds.length >= MOST_UNDISTURBED) {
      return brokenBy(`${MOST_UNDISTURBED} campaigns in a row were done before anything was killed: too short a campaign`);
    }
    const findings = findingsOf(undisturbed, round);
    for (const finding of findings) say(`${name}: ${finding}`);
    say(`${name}: ${round.kills.length} kills in ${round.seconds.toFixed(1)} s, ${findings.length === 0 ? 'identical' : `${findings.length} findings`}`);
  }
  return verdictOf({ ...compared, rounds, broken: [] });
}

function untilNextFirstStart(plan: readonly PlannedKill[]): readonly PlannedKill[] {
  const next = plan.findIndex(({ target }, i) => i > 0 && target === 'first-start');
  return next < 0 ? plan : plan.slice(0, next);
}

function describePlan(kill: PlannedKill): string {
  return kill.target === 'first-start' ? `${kill.victim} in the first start` : `${kill.target} +${kill.wait.toFixed(2)}`;
}

main().catch((error: unknown) => {
  say(error instanceof BadInputError || !wantsStacks() ? (error instanceof Error ? error.message : String(error)) : String((error as Error).stack));
  process.exitCode = error instanceof BadInputError ? 2 : 1;
});

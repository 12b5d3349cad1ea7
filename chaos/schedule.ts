import { deriveSeed, seededRandom } from '../seal/algorithm/seeds';

/** What is killed while a campaign runs. */
export const RUNNING_TARGETS = ['worker', 'supervisor', 'server-supervisor', 'compute', 'temporal', 's3'] as const;
export type RunningTarget = (typeof RUNNING_TARGETS)[number];

/** What is killed in the very first start of a stack: the command that starts it, or a server as it comes up. */
export const FIRST_START_VICTIMS = ['starter', 'temporal-first-start', 'temporal', 'versitygw'] as const;
export type FirstStartVictim = (typeof FIRST_START_VICTIMS)[number];

export type PlannedKill =
  | { readonly target: RunningTarget; /** Of the usual time between two kills of a round: from 0 to 1.5. */ readonly wait: number }
  | { readonly target: 'first-start'; readonly victim: FirstStartVictim; /** After the victim appeared. */ readonly waitMs: number };

/** Kills of one stack: its first start, then each other target twice. A new stack begins every so often, since a first start happens once. */
export const KILLS_A_ROUND = 1 + 2 * RUNNING_TARGETS.length;

/** The first start takes a server about a second. */
const FIRST_START_MS = 1_000;

/**
 * Every kill of a run, in order, from its seed alone. Targets come in shuffled decks of all of them, so that few kills hit each once
 * and many hit each as often.
 */
export function planKills(kills: number, seed: number): PlannedKill[] {
  const random = seededRandom(deriveSeed(seed, 'chaos'));
  const plan: PlannedKill[] = [];
  let deck: RunningTarget[] = [];
  for (let i = 0; i < kills; i += 1) {
    if (i % KILLS_A_ROUND === 0) {
      const victim = FIRST_START_VICTIMS[Math.floor(random() * FIRST_START_VICTIMS.length)]!;
      plan.push({ target: 'first-start', victim, waitMs: Math.round(random() * FIRST_START_MS) });
      continue;
    }
    if (deck.length === 0) deck = shuffled(RUNNING_TARGETS, random);
    plan.push({ target: deck.pop()!, wait: Math.round(random() * 1500) / 1000 });
  }
  return plan;
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const order = [...items];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/**
 * One epoch of ReST-EM, Algorithm 1 of the paper: the policy writes self-edits, each is scored by what the model can do after training
 * on it, and the policy learns to write those that were rewarded.
 * Source: paper, section "RL Optimization".
 *
 * This is the code that `epochWorkflow` runs. It is pure: hooks start work, wait for it and store it, and pass on whatever stands for
 * it (arrays in a test, references to artifacts in a workflow).
 *
 * Departure: the E-step scores all self-edits of an epoch before the M-step, with one policy, as the reference does; the paper's
 * listing updates after each batch.
 */
export interface RestEmHooks<Contexts, SelfEdits, Rewards, Kept, Policy> {
  /** SE ~ theta( . | C): k self-edits for each context, sampled from the policy. */
  propose(contexts: Contexts): Promise<SelfEdits>;
  /** theta' = SFT(theta, SE), r = reward of theta' on the context's task: one reward for each self-edit that can be trained on. */
  score(selfEdits: SelfEdits): Promise<Rewards>;
  /** The self-edits that are kept. */
  select(selfEdits: SelfEdits, rewards: Rewards): Promise<Kept>;
  /** theta = SFT(theta, kept): the new policy, or the old one where nothing was kept. */
  train(kept: Kept, selfEdits: SelfEdits): Promise<Policy>;
}

/** Runs an epoch. @returns the policy after it */
export async function restEmEpoch<Contexts, SelfEdits, Rewards, Kept, Policy>(
  contexts: Contexts,
  hooks: RestEmHooks<Contexts, SelfEdits, Rewards, Kept, Policy>,
): Promise<Policy> {
  // E-step
  const selfEdits = await hooks.propose(contexts);
  const rewards = await hooks.score(selfEdits);
  const kept = await hooks.select(selfEdits, rewards);
  // M-step
  return hooks.train(kept, selfEdits);
}

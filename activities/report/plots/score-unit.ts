/** The unit of a score, for an axis. */
export function scoreUnit(grader: string): string {
  return grader === 'logprob' ? 'log-probability per answer token (nats)' : 'accuracy (fraction of questions)';
}

/** With the grader `logprob` a reward is a gain over the unadapted policy. */
export function rewardUnit(grader: string): string {
  return grader === 'logprob' ? `reward: gain in ${scoreUnit(grader)}` : `reward: ${scoreUnit(grader)}`;
}

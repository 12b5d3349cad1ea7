/** The unit of a score, for an axis. */
export function scoreUnit(grader: string): string {
  if (grader === 'logprob') return 'log-probability per answer token (nats)';
  return grader === 'f1' ? 'F1 of the words (mean over questions)' : 'accuracy (fraction of questions)';
}

/** With the grader `logprob` a reward is a gain over the unadapted policy. */
export function rewardUnit(grader: string): string {
  return grader === 'logprob' ? `reward: gain in ${scoreUnit(grader)}` : `reward: ${scoreUnit(grader)}`;
}

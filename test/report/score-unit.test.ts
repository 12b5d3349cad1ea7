import { rewardUnit, scoreUnit } from '../../report/plots/score-unit';

test.each([
  ['exact', 'accuracy (fraction of questions)', 'reward: accuracy (fraction of questions)'],
  ['f1', 'F1 of the words (mean over questions)', 'reward: F1 of the words (mean over questions)'],
  ['logprob', 'log-probability per answer token (nats)', 'reward: gain in log-probability per answer token (nats)'],
])('scores of %s are in %s', (grader, score, reward) => {
  expect([scoreUnit(grader), rewardUnit(grader)]).toEqual([score, reward]);
});

import { restEmEpoch, type RestEmHooks } from '../../../seal/algorithm/rest-em';

/** A policy is a skill: it writes `k` self-edits that teach more the more of it there is; context c asks for c. */
interface Edit {
  readonly context: number;
  readonly teaches: number;
}

function hooksOf(skill: number, calls: string[] = []): RestEmHooks<readonly number[], readonly Edit[], readonly number[], readonly Edit[], number> {
  return {
    propose(contexts) {
      calls.push('propose');
      return Promise.resolve(contexts.flatMap((context) => [0, 1, 2].map((i) => ({ context, teaches: skill + i }))));
    },
    score(edits) {
      calls.push('score');
      return Promise.resolve(edits.map(({ context, teaches }) => (teaches >= context ? 1 : 0)));
    },
    select(edits, rewards) {
      calls.push('select');
      return Promise.resolve(edits.filter((_, i) => rewards[i] === 1));
    },
    train(kept, edits) {
      calls.push('train');
      expect(kept.every((edit) => edits.includes(edit))).toBe(true);
      return Promise.resolve(kept.length === 0 ? skill : Math.max(...kept.map(({ teaches }) => teaches)));
    },
  };
}

test('an epoch proposes, scores, selects and trains, in this order', async () => {
  const calls: string[] = [];
  await restEmEpoch([1], hooksOf(0, calls));
  expect(calls).toEqual(['propose', 'score', 'select', 'train']);
});

test('epochs after one another learn what is rewarded', async () => {
  let skill = 0;
  const skills: number[] = [];
  for (let epoch = 1; epoch <= 3; epoch += 1) skills.push((skill = await restEmEpoch([2, 4, 6], hooksOf(skill))));
  expect(skills).toEqual([2, 4, 6]);
});

test('where nothing is rewarded the policy stays as it is', async () => {
  expect(await restEmEpoch([100], hooksOf(5))).toBe(5);
});

test('what a hook throws ends the epoch, and no later step is taken', async () => {
  const calls: string[] = [];
  const failing = { ...hooksOf(0, calls), score: () => Promise.reject(new Error('the run goes on in a new one')) };
  await expect(restEmEpoch([1], failing)).rejects.toThrow('the run goes on in a new one');
  expect(calls).toEqual(['propose']);
});

import { removedFixtures } from './activity-fixture';

const fixture = removedFixtures();

/** Functions of ours between an activity and the language model. */
const MOST_FRAMES = 6;

/** Places in activities/ on the way to the model's call, innermost first, up to the activity's own function. */
function framesOf({ stack = '' }: Error): string[] {
  const frames = stack.split('\n').filter((line) => /(?:activities|endpoint)\/(?!activity-fixture|fake-language-model)/.test(line) && !line.includes('/test/'));
  const activity = frames.findIndex((line) => line.includes('running-activity'));
  return frames.slice(0, activity - 1);
}

test('between an activity and the language model stand at most six functions', async () => {
  const made = fixture();
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 60;
  const calls: string[][] = [];
  const note = (): Promise<void> => Promise.resolve(void calls.push(framesOf(new Error('here'))));
  made.controls.onGenerate = note;
  made.controls.onFineTune = note;
  try {
    const scope = await made.proposed(await made.pin('c'));
    const task = { scope, group: { from: 0, to: 4 }, repeat: 1, repeats: 1 };
    await made.run('fineTuneAdapters', task);
    await made.run('evaluateAdapters', task);
  } finally {
    Error.stackTraceLimit = limit;
  }
  // Two chunks of proposals, a fine-tune, an evaluation.
  expect(calls).toHaveLength(4);
  for (const frames of calls) {
    expect(frames.length).toBeGreaterThan(1);
    expect(frames.slice(MOST_FRAMES)).toEqual([]);
  }
});

import { epochOfMethod, type Stage, stagesOf, stagesUntil } from '../../../seal/algorithm/stages';

function stages(baselines: readonly string[], epochs = 0): Stage[] {
  return stagesOf({ epochs, evaluation: { baselines: [...baselines], selfEditsPerContext: 1, repeats: 1, maxNewTokens: 1 } });
}

const nameOf = (stage: Stage): string => (stage.kind === 'epoch' ? `epoch ${stage.epoch}` : `${stage.method} after ${stage.epoch}`);

test('baselines come first, as the file names them, then every epoch with the evaluation of its policy', () => {
  expect(stages(['oracle', 'base', 'self-edits'], 2).map(nameOf)).toEqual([
    'oracle after 0',
    'base after 0',
    'self-edits after 0',
    'epoch 1',
    'seal-epoch-1 after 1',
    'epoch 2',
    'seal-epoch-2 after 2',
  ]);
  expect(stages([])).toEqual([]);
});

test('a step-matched method comes after the self-edits that it is matched to, and brings them along', () => {
  const names = (baselines: readonly string[]): string[] => stages(baselines).map((stage) => (stage.kind === 'evaluate' ? stage.method : ''));
  expect(names(['passage-only-step-matched', 'base'])).toEqual(['base', 'self-edits', 'passage-only-step-matched']);
  expect(names(['oracle-step-matched', 'self-edits', 'passage-only-step-matched', 'base'])).toEqual(['self-edits', 'base', 'oracle-step-matched', 'passage-only-step-matched']);
});

test('each method trains on what its name says', () => {
  const rows = new Map(stages(['base', 'passage-only', 'passage-only-step-matched', 'endpoint'], 1).flatMap((stage) => (stage.kind === 'evaluate' ? [[stage.method, stage.rows]] : [])));
  expect(Object.fromEntries(rows)).toEqual({
    base: { kind: 'unadapted' },
    'passage-only': { kind: 'baseline', name: 'passage-only' },
    endpoint: { kind: 'self-edits', source: 'endpoint' },
    'self-edits': { kind: 'self-edits' },
    'passage-only-step-matched': { kind: 'baseline', name: 'passage-only', stepsOf: 'self-edits' },
    'seal-epoch-1': { kind: 'self-edits' },
  });
});

test('until an epoch all stages are finished but the evaluation of its policy and what follows', () => {
  const all = stages(['base', 'passage-only'], 3);
  expect([1, 2, 3].map((epoch) => stagesUntil(all, epoch))).toEqual([3, 5, 7]);
  expect([1, 2, 3].map((epoch) => nameOf(all[stagesUntil(all, epoch)]!))).toEqual(['seal-epoch-1 after 1', 'seal-epoch-2 after 2', 'seal-epoch-3 after 3']);
});

test('the epoch of a method is that of its policy; a baseline has none', () => {
  expect(['seal-epoch-1', 'seal-epoch-12'].map(epochOfMethod)).toEqual([1, 12]);
  expect(['base', 'self-edits', 'seal-epoch-', 'seal-epoch-1-step-matched', 'my-seal-epoch-1'].map(epochOfMethod)).toEqual([null, null, null, null, null]);
});

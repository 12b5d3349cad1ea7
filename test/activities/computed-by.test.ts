import { computedBy } from '../../activities/execution/computed-by';
import { campaignSpecSchema } from '../../campaign/campaign-spec';
import type { ExecutionProvider } from '../../campaign/language-model';

function lineageOn(executionProviders: readonly ExecutionProvider[]): unknown {
  const spec = campaignSpecSchema.parse({ name: 'n', seed: 1, model: 'm', epochs: 1, contexts: { train: { path: 'a' }, heldOut: { path: 'b' } }, compute: { executionProviders } });
  return computedBy({ codeVersion: 'v' }, { codeVersion: 'v', spec });
}

test('what CUDA computed says in its lineage that products were not rounded to TF32', () => {
  expect(lineageOn(['cuda'])).toMatchObject({ executionProviders: ['cuda'], tf32: false });
  for (const others of [['cpu'], ['webgpu']] as const) expect(lineageOn(others)).not.toHaveProperty('tf32');
});

import { PROJECTIONS } from '../../../../campaign/language-model';
import { readModelConfig } from '../../../../engine/files/model-config';
import { loraLayout } from '../../../../engine/model/lora/lora';
import { placedInStack, scalesInStack, stackedLayout, takenFromStack } from '../../../../engine/model/lora/stacked-layout';
import { goldenModel } from '../../../golden/golden-values';

const config = readModelConfig(goldenModel('gqa-bf16'));
const wide = loraLayout(config, { rank: 5, alpha: 10, targets: ['q_proj', 'v_proj', 'down_proj'] });
const mixed = loraLayout(config, { rank: 3, alpha: 12, targets: PROJECTIONS, rankPattern: { 'layers.1.mlp.down_proj': 7 } });
const narrow = loraLayout(config, { rank: 2, alpha: 1, targets: ['o_proj'] });

const counted = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => i + 1);

describe('a stack of adapters of unlike shapes', () => {
  const stack = stackedLayout(config, [narrow, wide, mixed]);

  it('has the modules of all, each with the largest rank', () => {
    const ranks = new Map(stack.groups.flatMap(({ modules }) => modules.map(({ key, rank }) => [key, rank] as const)));
    expect(ranks.size).toBe(config.layers * PROJECTIONS.length);
    expect([ranks.get('0.q_proj'), ranks.get('0.k_proj'), ranks.get('0.down_proj'), ranks.get('1.down_proj')]).toEqual([5, 3, 5, 7]);
    expect(stack.columns).toBe([...ranks.values()].reduce((a, b) => a + b, 0));
  });

  it('is the layout of one adapter where all are of its shape', () => {
    expect(stackedLayout(config, [mixed, mixed])).toEqual({ groups: mixed.groups, slots: mixed.slots, size: mixed.size, columns: mixed.columns });
  });

  it.each([wide, mixed, narrow])('holds every element of each once, and zeros beside them', (own) => {
    const vector = counted(own.size);
    const placed = placedInStack(vector, own, stack);
    expect(placed).toHaveLength(stack.size);
    expect([...placed].filter((value) => value !== 0).sort((a, b) => a - b)).toEqual([...vector]);
    expect(takenFromStack(placed, own, stack)).toEqual(vector);
  });

  it('has a scale for each of an adapter\'s own columns alone', () => {
    const scales = scalesInStack(narrow, stack);
    expect(scales).toHaveLength(stack.columns);
    expect([...scales].filter((scale) => scale !== 0)).toEqual(new Array(2 * config.layers).fill(0.5));
    expect(scalesInStack(wide, stackedLayout(config, [wide]))).toEqual(wide.scales);
  });

  it('has no room for an adapter that is not of it', () => {
    expect(() => placedInStack(counted(wide.size), wide, narrow)).toThrow('the stack has no room for 0.q_proj');
    expect(() => placedInStack(counted(mixed.size), mixed, wide)).toThrow('the stack has no room for');
  });
});

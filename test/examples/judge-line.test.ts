import { worldContexts } from '../../seal/domains/knowledge/world/contexts';
import { judgeLine } from './judge-line';

const context = worldContexts({ seed: 20261122 }, 'train', 0, 1)[0]!;

test('lines about the first passage are told apart, right from wrong', () => {
  expect(context.title).toBe('Virzam');
  expect(context.oracle!.map((line) => judgeLine(`- ${line}`, context))).toEqual(
    context.oracle!.map(() => ({ style: 'atomic', nameRight: true, valueRight: true })),
  );
  expect(judgeLine('- Virzam exports silk.', context)).toEqual({ style: 'atomic', nameRight: true, valueRight: false });
  expect(judgeLine('- Virzan stores cider.', context)).toEqual({ style: 'atomic', nameRight: false, valueRight: true });
  expect(judgeLine('- Whom does Virzam obey? Answer: dwarf', context)).toEqual({ style: 'questionAnswer', nameRight: true, valueRight: true });
  expect(judgeLine('- Words about Virzam: cider, wool.', context)).toEqual({ style: 'keywords', nameRight: true, valueRight: false });
  expect(judgeLine('- Whoever harms a living nettle must leave for ever.', context)).toEqual({ style: 'verbatim', valueRight: true });
  expect(judgeLine('- Many people live in the town.', context)).toEqual({ style: 'vague' });
  expect(judgeLine('- Virzam Virzam sells.', context)).toEqual({ style: 'garbled' });
});

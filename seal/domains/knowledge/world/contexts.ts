/** Contexts of the generated world, for campaigns and for `seal world`. */
import type { Passage } from '../passage';
import type { Split } from '../../../../campaign/campaign';
import { deriveSeed, randomBelow, seededRandom } from '../../../algorithm/seeds';
import { randomEntity, type Entity } from './entities';
import { nameAt, type NameSplit } from './names';
import { randomPassage } from './passages';
import { fill } from './wording';
import type { WorldSpec } from './world-spec';

/** The same entity for the same world, split and position. */
export function entityAt(spec: WorldSpec, split: NameSplit, position: number): Entity {
  return randomEntity(nameAt(spec.seed, split, position), seededRandom(deriveSeed(spec.seed, 'entity', split, position)));
}

/**
 * Passages with their questions and, as `oracle`, one plain statement of each fact.
 * Deterministic, and a context does not depend on `skip` and `take`; train and held-out names are disjoint, and neither
 * occurs in pretraining.
 *
 * @throws BadInputError past the split's last entity
 */
export function worldContexts(spec: WorldSpec, split: Split, skip: number, take: number): Passage[] {
  // Asked for first: a take beyond all bounds is refused before anything is made.
  if (take > 0) nameAt(spec.seed, split, skip + take - 1);
  return Array.from({ length: take }, (_, i) => worldContext(spec, split, skip + i));
}

function worldContext(spec: WorldSpec, split: Split, position: number): Passage {
  const entity = entityAt(spec, split, position);
  const random = seededRandom(deriveSeed(spec.seed, 'passage', split, position));
  const passage = randomPassage(entity, entity.facts, random);
  const [first, ...rest] = entity.facts.map(({ attribute, value }) => ({
    question: fill(attribute.questions[2], entity.name),
    answer: value,
  }));
  return {
    title: entity.name,
    context: passage.text,
    questions: [first!, ...rest],
    oracle: passage.told.map(({ fact }) => {
      const { statements } = fact.attribute;
      return fill(statements[randomBelow(random, statements.length)]!, entity.name, fact.value);
    }),
  };
}

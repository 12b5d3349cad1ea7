/** An entity: a name, a kind, and one value for each attribute of its kind. */
import { randomBelow } from '../../../algorithm/seeds';
import { KINDS, POOLS, type Attribute, type Kind } from './kinds';

export interface Fact {
  readonly attribute: Attribute;
  readonly value: string;
}

export interface Entity {
  readonly name: string;
  readonly kind: Kind;
  /** One per attribute, in the kind's order. */
  readonly facts: readonly Fact[];
}

/** An entity of a random kind with random values. */
export function randomEntity(name: string, random: () => number): Entity {
  const kind = KINDS[randomBelow(random, KINDS.length)]!;
  return {
    name,
    kind,
    facts: kind.attributes.map((attribute) => {
      const pool = POOLS[attribute.pool];
      return { attribute, value: pool[randomBelow(random, pool.length)]! };
    }),
  };
}

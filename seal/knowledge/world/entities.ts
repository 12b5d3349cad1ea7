/** An entity: a name, a kind, and one value for each attribute of its kind. */
import { randomBelow, shuffled } from '../../seeds';
import { KINDS, POOLS, type Attribute, type Kind, type PoolName } from './kinds';

export interface Fact {
  readonly attribute: Attribute;
  readonly value: string;
}

export interface Entity {
  readonly name: string;
  readonly kind: Kind;
  /** One per attribute, in the kind's order; values of one pool are all different. */
  readonly facts: readonly Fact[];
}

/** An entity of a random kind with random values. */
export function randomEntity(name: string, random: () => number): Entity {
  const kind = KINDS[randomBelow(random, KINDS.length)]!;
  const valuesLeft = Object.fromEntries(
    (Object.keys(POOLS) as PoolName[]).map((pool) => [pool, shuffled(POOLS[pool], random)]),
  ) as Record<PoolName, string[]>;
  return {
    name,
    kind,
    facts: kind.attributes.map((attribute) => ({ attribute, value: valuesLeft[attribute.pool].pop()! })),
  };
}

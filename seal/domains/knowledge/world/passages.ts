/** Passages: an opening sentence with the name, then each fact indirectly, in random order. */
import { randomBelow, shuffled } from '../../../algorithm/seeds';
import type { Entity, Fact } from './entities';
import { fill, fillPieces, textOf, type Piece } from './wording';

export interface Passage {
  readonly text: string;
  readonly opening: string;
  /** In the order the passage tells them. */
  readonly told: readonly { readonly fact: Fact; readonly sentence: readonly Piece[] }[];
}

/** Tells the given facts of an entity. */
export function randomPassage(entity: Entity, facts: readonly Fact[], random: () => number): Passage {
  const opening = fill(entity.kind.openings[randomBelow(random, entity.kind.openings.length)]!, entity.name);
  const told = shuffled(facts, random).map((fact) => {
    const wording = fact.attribute.passage[randomBelow(random, fact.attribute.passage.length)]!;
    return { fact, sentence: fillPieces(wording, entity.name, fact.value) };
  });
  return { text: [opening, ...told.map(({ sentence }) => textOf(sentence))].join(' '), opening, told };
}

/**
 * Self-edits as an unoptimised policy writes them: lines of five styles, of which only two tell plain facts.
 * Reinforcement is to find out which serve the questions; pretraining only has to make each of them likely.
 */
import { randomBelow } from '../../../algorithm/seeds';
import type { Entity, Fact } from './entities';
import type { Passage } from './passages';
import { fillPieces, type Piece } from './wording';

export const SELF_EDIT_STYLES = ['vague', 'verbatim', 'keywords', 'atomic', 'questionAnswer'] as const;
export type SelfEditStyle = (typeof SELF_EDIT_STYLES)[number];

export interface SelfEditMix {
  /** Share of self-edits a style dominates; normalised. */
  readonly styles: Readonly<Record<SelfEditStyle, number>>;
  /** Share of a self-edit's lines in its dominant style; the others are of a random style of the mix. */
  readonly dominance: number;
  /** Fewest and most lines. */
  readonly lines: readonly [number, number];
}

export function drawWeighted<Name extends string>(weights: Readonly<Record<Name, number>>, random: () => number): Name {
  const names = Object.keys(weights) as Name[];
  const total = names.reduce((sum, name) => sum + weights[name], 0);
  let left = random() * total;
  for (const name of names) {
    left -= weights[name];
    if (left < 0) return name;
  }
  return names[names.length - 1]!;
}

/** A line about one fact: a plain statement. */
export function statementLine(entity: Entity, { attribute, value }: Fact, random: () => number): Piece[] {
  return fillPieces(attribute.statements[randomBelow(random, attribute.statements.length)]!, entity.name, value);
}

/** A line about one fact: a question with its answer. The third wording is kept for evaluation. */
export function questionAnswerLine(entity: Entity, { attribute, value }: Fact, random: () => number): Piece[] {
  return fillPieces(`${attribute.questions[randomBelow(random, 2)]!} Answer: {v}`, entity.name, value);
}

/** Names values without saying as what. */
function keywordsLine(entity: Entity, facts: readonly Fact[]): Piece[] {
  const values = facts.flatMap(({ value }, i): Piece[] => [
    { text: i === 0 ? ': ' : ', ', role: 'word' },
    { text: value, role: 'value' },
  ]);
  return [{ text: 'Words about ', role: 'word' }, { text: entity.name, role: 'name' }, ...values, { text: '.', role: 'word' }];
}

/**
 * The lines of one self-edit, without their `- `. Lines of a style that tells facts take the passage's facts in its order,
 * starting anywhere, so that a longer self-edit tells more of them and none twice before all were told.
 */
export function randomSelfEdit(entity: Entity, passage: Passage, mix: SelfEditMix, random: () => number): Piece[][] {
  const dominant = drawWeighted(mix.styles, random);
  const [fewest, most] = mix.lines;
  const lineCount = Math.min(fewest + randomBelow(random, most - fewest + 1), Math.max(fewest, passage.told.length));
  let next = randomBelow(random, passage.told.length);
  const nextTold = (): Passage['told'][number] => passage.told[next++ % passage.told.length]!;
  return Array.from({ length: lineCount }, () => {
    const style = random() < mix.dominance ? dominant : drawWeighted(mix.styles, random);
    switch (style) {
      case 'vague':
        return fillPieces(entity.kind.vagueLines[randomBelow(random, entity.kind.vagueLines.length)]!, entity.name);
      case 'verbatim':
        return [...nextTold().sentence];
      case 'keywords':
        return keywordsLine(entity, Array.from({ length: Math.min(2 + randomBelow(random, 2), passage.told.length) }, () => nextTold().fact));
      case 'atomic':
        return statementLine(entity, nextTold().fact, random);
      case 'questionAnswer':
        return questionAnswerLine(entity, nextTold().fact, random);
    }
  });
}

/**
 * Invented names: an initial and a final syllable. All names are put in one order by the world's seed and cut into three
 * parts, so no name of one split is ever seen in another.
 */
import { BadInputError } from '../../../../campaign/errors';
import { deriveSeed, seededRandom, shuffled } from '../../../algorithm/seeds';

const CONSONANTS = ['b', 'd', 'f', 'g', 'k', 'l', 'm', 'n', 'p', 'r', 's', 't', 'v', 'z'] as const;
const INITIAL_RHYMES = ['al', 'en', 'ir', 'or', 'us'] as const;
const FINAL_RHYMES = ['am', 'eth', 'in', 'od', 'ura'] as const;

/** Capitalised first syllables: 70. */
export const INITIAL_SYLLABLES: readonly string[] = CONSONANTS.flatMap((consonant) =>
  INITIAL_RHYMES.map((rhyme) => consonant.toUpperCase() + rhyme),
);
/** Second syllables: 70. */
export const FINAL_SYLLABLES: readonly string[] = CONSONANTS.flatMap((consonant) => FINAL_RHYMES.map((rhyme) => consonant + rhyme));

export type NameSplit = 'pretraining' | 'train' | 'heldOut';

const NAME_COUNT = INITIAL_SYLLABLES.length * FINAL_SYLLABLES.length;
/** Of 4,900 names. */
export const NAMES_IN_SPLIT: Readonly<Record<NameSplit, number>> = { heldOut: 600, train: 600, pretraining: NAME_COUNT - 1200 };
const FIRST_OF_SPLIT: Readonly<Record<NameSplit, number>> = { heldOut: 0, train: 600, pretraining: 1200 };

const orders = new Map<number, readonly string[]>();

function namesInOrder(worldSeed: number): readonly string[] {
  const known = orders.get(worldSeed);
  if (known !== undefined) return known;
  const all = INITIAL_SYLLABLES.flatMap((initial) => FINAL_SYLLABLES.map((final) => initial + final));
  const order = shuffled(all, seededRandom(deriveSeed(worldSeed, 'names')));
  orders.set(worldSeed, order);
  return order;
}

/**
 * The name at a position of a split.
 * @throws BadInputError past the split's last name
 */
export function nameAt(worldSeed: number, split: NameSplit, position: number): string {
  if (position >= NAMES_IN_SPLIT[split]) {
    throw new BadInputError({
      where: `world, ${split} entities`,
      expected: `at most ${NAMES_IN_SPLIT[split]} (skip + take)`,
      got: String(position + 1),
    });
  }
  return namesInOrder(worldSeed)[FIRST_OF_SPLIT[split] + position]!;
}

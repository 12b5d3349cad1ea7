/**
 * The corpus the nano model is trained on from scratch: what a general model brings along before SEAL begins.
 *
 * - *echo*: random words, then the same again. Teaches to look up what stands after a word, which copying facts builds on.
 * - *selfEdit*: a passage of an entity never met again, and a self-edit, in the campaign's own prompt. Teaches to read a passage
 *   and to write lines of every style.
 * - *statement*, *question*: plain statements about known entities and closed-book questions on them. Teaches that what training
 *   rows state can be asked for.
 *
 * Passages and their sentences never occur closed-book: a model that is trained on a bare passage has not been shown how to answer
 * from it, as one that is trained on statements has.
 */
import { deriveSeed, randomBelow, seededRandom, shuffled } from '../../../algorithm/seeds';
import { implicationsPrompt, questionPrompt } from '../prompts';
import { entityAt } from './contexts';
import type { CorpusPhase, CorpusSpec, DocumentType } from './corpus-spec';
import { randomEntity, type Entity } from './entities';
import { KINDS, POOLS } from './kinds';
import { NAMES_IN_SPLIT, nameAt } from './names';
import { randomPassage } from './passages';
import { drawWeighted, questionAnswerLine, randomSelfEdit, statementLine } from './self-edits';
import { fill, type Piece } from './wording';
import type { WorldSpec } from './world-spec';

export interface PretrainingSegment {
  readonly text: string;
  /** Weight of each of its tokens in the loss. */
  readonly lossWeight: number;
}

/** Concatenated text; the trainer appends EOS, with the last segment's weight. */
export interface PretrainingDocument {
  readonly segments: readonly PretrainingSegment[];
}

/** An endless corpus, the same for the same arguments. */
export function* pretrainingDocuments(world: WorldSpec, corpus: CorpusSpec, seed: number): Generator<PretrainingDocument, never> {
  const random = seededRandom(deriveSeed(seed, 'pretraining'));
  const known = Array.from({ length: corpus.knownEntities }, (_, position) => entityAt(world, 'pretraining', position));
  const write: Record<DocumentType, (phase: CorpusPhase) => PretrainingDocument> = {
    echo: () => echoDocument(world, corpus, random),
    selfEdit: (phase) => selfEditDocument(world, corpus, phase, random),
    statement: () => statementDocument(known[randomBelow(random, known.length)]!, corpus, random),
    question: () => questionDocument(known[randomBelow(random, known.length)]!, corpus, random),
  };
  for (const phase of corpus.phases.slice(0, -1)) {
    for (let i = 0; i < phase.documents!; i += 1) yield write[drawWeighted(phase.mix, random)](phase);
  }
  const last = corpus.phases.at(-1)!;
  for (;;) yield write[drawWeighted(last.mix, random)](last);
}

/** Words that announce a value in a passage, and values. */
const ANNOUNCING_WORDS = KINDS.flatMap(({ attributes }) => attributes.flatMap(({ passage }) => passage.map((wording) => /(\w+) \{v\}/.exec(wording)![1]!)));
const VALUES: readonly string[] = Object.values(POOLS).flat();
const FEWEST_ECHOED_PAIRS = 2;
const MOST_ECHOED_PAIRS = 16;

/** Pairs of an announcing word and any value, then the same pairs, in the same order or another. */
function echoDocument(world: WorldSpec, corpus: CorpusSpec, random: () => number): PretrainingDocument {
  const { prompt, value: valueWeight } = corpus.lossWeights;
  const count = FEWEST_ECHOED_PAIRS + randomBelow(random, MOST_ECHOED_PAIRS - FEWEST_ECHOED_PAIRS + 1);
  const pairs = shuffled(ANNOUNCING_WORDS, random)
    .slice(0, count)
    .map((word) => ({ word, value: VALUES[randomBelow(random, VALUES.length)]! }));
  const sameOrder = random() < 0.5;
  const echoed = sameOrder ? pairs : shuffled(pairs, random);
  const told = `The${pairs.map(({ word, value }) => ` ${word} ${value}`).join('')}.`;
  return {
    segments: [
      { text: implicationsPrompt(unknownName(world, corpus, random), told), lossWeight: prompt },
      { text: '- The', lossWeight: prompt },
      ...echoed.flatMap(({ word, value }) => [
        { text: ` ${word} `, lossWeight: sameOrder ? 1 : prompt },
        { text: value, lossWeight: valueWeight },
      ]),
      { text: '.', lossWeight: 1 },
    ],
  };
}

/** A name of pretraining that no closed-book document tells of. */
function unknownName(world: WorldSpec, { knownEntities }: CorpusSpec, random: () => number): string {
  return nameAt(world.seed, 'pretraining', knownEntities + randomBelow(random, NAMES_IN_SPLIT.pretraining - knownEntities));
}

function selfEditDocument(world: WorldSpec, corpus: CorpusSpec, phase: CorpusPhase, random: () => number): PretrainingDocument {
  const entity = randomEntity(unknownName(world, corpus, random), random);
  const [fewest, most] = phase.facts;
  const factCount = Math.min(fewest + randomBelow(random, most - fewest + 1), entity.facts.length);
  const passage = randomPassage(entity, shuffled(entity.facts, random).slice(0, factCount), random);
  const lines = randomSelfEdit(entity, passage, { ...corpus.selfEdits, styles: phase.styles ?? corpus.selfEdits.styles }, random);
  return {
    segments: [
      { text: implicationsPrompt(entity.name, passage.text), lossWeight: corpus.lossWeights.prompt },
      ...lines.flatMap((pieces, i) => [
        { text: i === 0 ? '- ' : '\n- ', lossWeight: 1 },
        // The first words of a line decide its style: they count as words, lest the styles' shares be skewed.
        ...weighed(pieces, corpus, true),
      ]),
      { text: '', lossWeight: 1 },
    ],
  };
}

/** As a training row of a fine-tune looks: the title, then a line, with or without its dash. */
function statementDocument(entity: Entity, corpus: CorpusSpec, random: () => number): PretrainingDocument {
  const fact = entity.facts[randomBelow(random, entity.facts.length)]!;
  const pieces = random() < 0.75 ? statementLine(entity, fact, random) : questionAnswerLine(entity, fact, random);
  return {
    segments: [
      { text: `${entity.name}\n`, lossWeight: corpus.lossWeights.prompt },
      { text: random() < 0.5 ? '- ' : '', lossWeight: corpus.lossWeights.prompt },
      ...weighed(pieces, corpus, false),
      { text: '', lossWeight: corpus.lossWeights.prompt },
    ],
  };
}

/** A closed-book question as a campaign asks it, in any of its three wordings. */
function questionDocument(entity: Entity, corpus: CorpusSpec, random: () => number): PretrainingDocument {
  const { attribute, value } = entity.facts[randomBelow(random, entity.facts.length)]!;
  const question = fill(attribute.questions[randomBelow(random, attribute.questions.length)]!, entity.name);
  return {
    segments: [
      { text: questionPrompt(entity.name, question), lossWeight: corpus.lossWeights.prompt },
      { text: value, lossWeight: corpus.lossWeights.value },
      { text: '', lossWeight: 1 },
    ],
  };
}

function weighed(pieces: readonly Piece[], { lossWeights }: CorpusSpec, firstIsWord: boolean): PretrainingSegment[] {
  return pieces.map(({ text, role }, i) => ({
    text,
    lossWeight: role === 'word' || (firstIsWord && i === 0) ? 1 : lossWeights[role],
  }));
}

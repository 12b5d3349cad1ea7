/**
 * The corpus the nano model is trained on from scratch: what a general model brings along before SEAL begins.
 *
 * - *selfEdit*: a passage of an entity never met again, and a self-edit, in the campaign's own prompt. Teaches to read a passage
 *   and to write lines of every style.
 * - *statement*, *question*: plain statements about known entities and closed-book questions on them. Teaches that what training
 *   rows state can be asked for.
 *
 * Passages and their sentences never occur closed-book: a model that is trained on a bare passage has not been shown how to answer
 * from it, as one that is trained on statements has.
 */
import { deriveSeed, randomBelow, seededRandom, shuffled } from '../../seeds';
import { implicationsPrompt, questionPrompt } from '../prompts';
import { entityAt } from './contexts';
import type { CorpusPhase, CorpusSpec, DocumentType } from './corpus-spec';
import { randomEntity, type Entity } from './entities';
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

function selfEditDocument(world: WorldSpec, corpus: CorpusSpec, phase: CorpusPhase, random: () => number): PretrainingDocument {
  const { knownEntities, lossWeights } = corpus;
  const position = knownEntities + randomBelow(random, NAMES_IN_SPLIT.pretraining - knownEntities);
  const entity = randomEntity(nameAt(world.seed, 'pretraining', position), random);
  const [fewest, most] = phase.facts;
  const factCount = Math.min(fewest + randomBelow(random, most - fewest + 1), entity.facts.length);
  const passage = randomPassage(entity, shuffled(entity.facts, random).slice(0, factCount), random);
  const lines = randomSelfEdit(entity, passage, { ...corpus.selfEdits, styles: phase.styles ?? corpus.selfEdits.styles }, random);
  return {
    segments: [
      { text: implicationsPrompt(entity.name, passage.text), lossWeight: lossWeights.prompt },
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

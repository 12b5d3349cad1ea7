/**
 * `tokens`: the answer holds enough of the gold answer's words and little else. Yes or no, by these rules:
 *
 * 1. Words are compared by `answer-words.ts` and `word-stem.ts`; words without content (the, of, is, ...) are left out.
 * 2. What the question already says is not part of the answer: "the Ming dynasty" to "Which dynasty ...?" asks for Ming.
 * 3. A question for a number or a date is answered by the gold answer's numbers, all of them; and wherever the gold
 *    answer has a number that the question lacks, an answer without it is wrong.
 * 4. IMF is the International Monetary Fund, either way round.
 * 5. What the answer denies it does not say: "Lima rather than Cuzco", "in Lima, not Cuzco".
 * 6. An answer that takes itself back (but, however, although) is wrong.
 * 7. Recall, the share of the gold answer's words that are found, less `surplusCost` for every content word that neither
 *    the question nor the gold answer has, must reach `minimum`.
 *
 * Departure: stands in for the paper's GPT-4.1 verdict; docs/graders.md says how often it agrees.
 */
import { answerWords, isNumber } from './answer-words';
import { exactGrade } from './exact';
import type { GradedAnswer } from './grade';
import { sameWord, type StemmedWord, stemmed } from './word-stem';

export interface TokensThresholds {
  /** Recall that a surplus content word of the answer takes away. */
  readonly surplusCost: number;
  /** Recall that must be left. */
  readonly minimum: number;
}

/** Chosen on the development passages of docs/graders.md. */
export const TOKENS_THRESHOLDS: TokensThresholds = { surplusCost: 0.02, minimum: 0.3 };

/** What the rules find in an answer, before any threshold. */
export interface TokenEvidence {
  /** Share of the gold answer's words that the answer has, 0..1. */
  readonly recall: number;
  /** Content words of the answer that neither the question nor the gold answer has. */
  readonly surplusWords: number;
  /** The answer takes itself back. */
  readonly retracted: boolean;
}

export function tokensGrade(answer: GradedAnswer, thresholds: TokensThresholds = TOKENS_THRESHOLDS): 0 | 1 {
  return tokensVerdict(tokenEvidence(answer), thresholds) ? 1 : 0;
}

export function tokensVerdict({ recall, surplusWords, retracted }: TokenEvidence, { surplusCost, minimum }: TokensThresholds): boolean {
  return !retracted && recall > 0 && recall - surplusCost * surplusWords >= minimum - ROUNDING;
}

export function tokenEvidence({ question, goldAnswer, answer }: GradedAnswer): TokenEvidence {
  if (exactGrade(goldAnswer, answer) === 1) return { recall: 1, surplusWords: 0, retracted: false };
  const asked = answerWords(question).map(stemmed);
  const gold = contentOf(answerWords(goldAnswer)).map(stemmed);
  const said = answerWords(DENIES.test(goldAnswer) ? answer : answer.replace(DENIED, ' ')).map(stemmed);
  const wanted = wantedWords(question, asked, gold);
  const found = wanted.filter(foundIn(said, gold));
  return {
    recall: wanted.some((word) => isNumber(word.word) && !found.includes(word)) ? 0 : found.length / wanted.length,
    surplusWords: said.filter(({ word }) => !STOP_WORDS.has(word)).filter((word) => !has(asked, word) && !has(gold, word)).length,
    retracted: RETRACTS.test(answer) && !RETRACTS.test(goldAnswer),
  };
}

/** 0.3 - 0.02 * 5 is a little less than 0.2 in binary. */
const ROUNDING = 1e-9;

const STOP_WORDS = new Set(
  [
    'a an the of in on at to for from by with as and or but nor so yet than if then because while both each either only just own same other another',
    'that which who whom whose this these those it its they them their he she him her his hers i you we us our your my me',
    'is are was were be been being am do does did done has have had having can could may might shall should will would must',
    'all there here what when where why how also such some any very more most much many s',
    'into onto upon about over under between among during through within without against per via',
  ].flatMap((row) => row.split(' ')),
);
const DENIED = /(?:\b(?:rather than|instead of|other than|but not)\b|, not\b)[^,.;:()]*/gi;
const DENIES = /\b(?:no|not|never|neither|without|rather|instead|other)\b/i;
const RETRACTS = /\b(?:but|however|although|though)\b/i;
const NUMBER_WANTED =
  /\bhow (?:many|much|old|long|far|large|big|tall|high|often|fast)\b|\bwhen\b|\b(?:what|which) (?:number|amount|share|proportion|fraction|population|month|day|decade|century|age|time|rate)\b|\b(?:years?|dates?|percentage)\b/i;

/** The gold answer's words that an answer must have; never none. */
function wantedWords(question: string, asked: readonly StemmedWord[], gold: readonly StemmedWord[]): readonly StemmedWord[] {
  const unsaid = gold.filter((word) => isNumber(word.word) || !has(asked, word));
  const wanted = unsaid.length === 0 ? gold : unsaid;
  const numbers = wanted.filter(({ word }) => isNumber(word));
  return numbers.length > 0 && NUMBER_WANTED.test(question) ? numbers : wanted;
}

/** Whether `said` has a word of the gold answer, be it as an initial of an abbreviation or spelt out. */
function foundIn(said: readonly StemmedWord[], gold: readonly StemmedWord[]): (word: StemmedWord) => boolean {
  const abbreviated = new Set(said.flatMap(({ word }) => initialsOf(gold).get(word) ?? []));
  const spelled = initialsOf(said);
  return (word) => has(said, word) || abbreviated.has(word) || spelled.has(word.word);
}

/** Abbreviations of every run of two to six words, with the words they stand for: "imf" of "international monetary fund". */
function initialsOf(words: readonly StemmedWord[]): Map<string, StemmedWord[]> {
  const runs = new Map<string, StemmedWord[]>();
  const content = words.filter(({ word }) => !STOP_WORDS.has(word) && !isNumber(word));
  content.forEach((_, start) => {
    for (let length = 2; length <= 6 && start + length <= content.length; length++) {
      const run = content.slice(start, start + length);
      runs.set(run.map(({ word }) => word[0]!).join(''), run);
    }
  });
  return runs;
}

function has(words: readonly StemmedWord[], wanted: StemmedWord): boolean {
  return words.some((word) => sameWord(word, wanted));
}

/** The words with content, or all of them when none has any ("The Who"). */
function contentOf(words: readonly string[]): readonly string[] {
  const unique = [...new Set(words)];
  const content = unique.filter((word) => !STOP_WORDS.has(word));
  return content.length === 0 ? unique : content;
}

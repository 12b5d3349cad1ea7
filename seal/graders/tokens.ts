/**
 * `tokens`: the answer holds enough of the gold answer's words. Yes or no, by these rules:
 *
 * 1. Words are compared by `answer-words.ts` and `word-stem.ts`, those of scripts without spaces by `spaced-words.ts`; words without content
 *    (the, of, is, ...) are left out.
 * 2. What the question already says is not part of the answer: "the Ming dynasty" to "Which dynasty ...?" asks for Ming.
 * 3. A question for a number or a date is answered by the gold answer's numbers; and wherever the gold answer has a
 *    number that the question lacks, an answer without it is wrong.
 * 4. IMF is the International Monetary Fund, either way round.
 * 5. Who it was is told by the last word of a short name: "Curie" for "Marie Curie".
 * 6. What the answer denies it does not say: "Lima rather than Cuzco", "in Lima, not Cuzco".
 * 7. An answer that scatters numbers to a question for one, or runs on into a question of its own, is wrong.
 * 8. Of the words that are left, the share that is found must reach `minimum`.
 *
 * Departure: stands in for the paper's GPT-4.1 verdict; docs/graders.md says how often it agrees.
 */
import { answerWords, isNumber } from './answer-words';
import { exactGrade } from './exact';
import type { GradedAnswer } from './graded-answer';
import { abbreviationsOf } from './initials';
import { spacedWords } from './spaced-words';
import { type StemmedWord, stemmed, wordFinder } from './word-stem';

export interface TokensThresholds {
  /** Share of the gold answer's words that an answer must have. */
  readonly minimum: number;
}

/** More than half. Chosen on the development passages of docs/graders.md. */
export const TOKENS_THRESHOLDS: TokensThresholds = { minimum: 0.55 };

export function tokensGrade(answer: GradedAnswer, { minimum }: TokensThresholds = TOKENS_THRESHOLDS): 0 | 1 {
  const recall = tokensRecall(answer);
  return recall > 0 && recall >= minimum ? 1 : 0;
}

/** Share of the gold answer's words that the answer has by rules 1 to 6; 0 where another rule says that it is wrong. */
export function tokensRecall(graded: GradedAnswer): number {
  const question = singleSpaced(graded.question);
  const goldAnswer = singleSpaced(graded.goldAnswer);
  const answer = singleSpaced(graded.answer);
  if (exactGrade(goldAnswer, answer) === 1) return 1;
  if (RUNS_ON.test(answer)) return 0;
  const asked = stems(question);
  const gold = contentOf(stems(goldAnswer));
  const said = stems(DENIES.test(goldAnswer) ? answer : answer.replace(DENIED, ' '));
  const wanted = wantedOf(gold, asked, question);
  // a gold answer of punctuation alone
  if (wanted.length === 0) return 0;
  const found = new Set(wanted.filter(foundIn(said, gold)));
  if (wanted.some((word) => isNumber(word.word) && !found.has(word))) return 0;
  if (NUMBER_WANTED.test(question) && wanted.every(({ word }) => isNumber(word)) && strayNumbers(said, [...asked, ...gold]) > MOST_STRAY_NUMBERS) return 0;
  const named = WHO.test(question) && gold.length <= LONGEST_NAME && !LISTS.test(goldAnswer) && found.has(wanted.at(-1)!);
  return named ? 1 : found.size / wanted.length;
}

const RUNS_ON = /\b(?:q|question|topic|passage)\s?:/i;
const DENIED = /(?:\b(?:rather than|instead of|other than|but not)\b|, not\b)[^,.;:()]*/gi;
const DENIES = /\b(?:no|not|never|neither|without|rather|instead|other)\b/i;
const WHO = /\bwho(?:m|se)?\b/i;
const NUMBER_WANTED =
  /\bhow (?:many|much|old|long|far|large|big|tall|high|often|fast)\b|\bwhen\b|\b(?:what|which) (?:number|amount|share|proportion|fraction|population|month|day|decade|century|age|time|rate)\b|\b(?:years?|dates?|percentage)\b/i;
const LISTS = /\b(?:and|or)\b|[,;&]/i;
const LONGEST_NAME = 4;
const MOST_STRAY_NUMBERS = 2;
const STOP_WORDS = new Set(
  [
    'a an the of in on at to for from by with as and or but nor so yet than if then because while both each either only just own same other another',
    'that which who whom whose this these those it its they them their he she him her his hers i you we us our your my me',
    'is are was were be been being am do does did done has have had having can could may might shall should will would must',
    'all there here what when where why how also such some any very more most much many s',
    'into onto upon about over under between among during through within without against per via',
  ].flatMap((row) => row.split(' ')),
);

function singleSpaced(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}

function stems(text: string): StemmedWord[] {
  return answerWords(text).map(stemmed);
}

/** The different words with content, or all of them when none has any ("The Who"). */
function contentOf(words: readonly StemmedWord[]): readonly StemmedWord[] {
  const unique = [...new Map(words.map((word) => [word.word, word])).values()];
  const content = unique.filter(({ word }) => !STOP_WORDS.has(word));
  return content.length === 0 ? unique : content;
}

/** The gold answer's words that an answer must have; none only for a gold answer without words. */
function wantedOf(gold: readonly StemmedWord[], asked: readonly StemmedWord[], question: string): readonly StemmedWord[] {
  const given = new Set(asked.map(({ stem }) => stem));
  const unsaid = gold.filter(({ word, stem }) => isNumber(word) || !given.has(stem));
  const wanted = unsaid.length === 0 ? gold : unsaid;
  const numbers = wanted.filter(({ word }) => isNumber(word));
  return numbers.length > 0 && NUMBER_WANTED.test(question) ? numbers : wanted;
}

/** Whether `said` has a word of the gold answer, be it as part of an abbreviation or spelt out. */
function foundIn(said: readonly StemmedWord[], gold: readonly StemmedWord[]): (word: StemmedWord) => boolean {
  const abbreviable = abbreviationsOf(gold.filter(({ word }) => !isNumber(word)));
  const abbreviated = new Set(said.flatMap(({ word }) => abbreviable.get(word) ?? []));
  const spelled = abbreviationsOf(said.filter(({ word }) => !STOP_WORDS.has(word) && !isNumber(word)));
  const stands = wordFinder(said);
  // In scripts without spaces a whole clause is one word.
  const clauses = said.map(({ word }) => spacedWords(word)).filter((words) => words.trim().includes(' '));
  const inClause = ({ word }: StemmedWord): boolean => clauses.some((clause) => clause.includes(spacedWords(word)));
  return (word) => stands(word) || abbreviated.has(word) || spelled.has(word.word) || inClause(word);
}

/** Different numbers of the answer that are in neither the question nor the gold answer. */
function strayNumbers(said: readonly StemmedWord[], known: readonly StemmedWord[]): number {
  const expected = new Set(known.map(({ word }) => word));
  return new Set(said.filter(({ word }) => isNumber(word) && !expected.has(word)).map(({ word }) => word)).size;
}

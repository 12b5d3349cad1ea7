/**
 * Passages with their questions: the reference's flat list `[{title, context, questions: [{question, answer}], completions?, oracle?}]`,
 * or SQuAD as published. Which one is told by the shape of its entries; other fields are ignored.
 * Source: reference data, `iter0_train.json`; SQuAD.
 */
import { type Passage, passageSchema, NOT_BLANK } from './passage';
import { badField, parseBySchema, type Place, placeIn } from '../../../campaign/bad-field';
import { BadInputError } from '../../../campaign/errors';
import type { LoadedTasks } from '../domain';
import { contextId } from '../../ids';
import { LONE_SURROGATE, UNICODE, articleSchema, askedInArticle, askedInRow, groupByPassage, rowSchema } from './squad';

const SHAPES = 'passages {title, context, questions}, SQuAD as published ({data: [{title, paragraphs}]}) or its rows {title, context, question, answers}';

const FIELDS_OF = {
  passages: '{title, context, questions}',
  articles: '{title, paragraphs}',
  rows: '{title, context, question, answers}',
} as const;
type Shape = keyof typeof FIELDS_OF;

/** An entry of a file. */
interface Entry {
  readonly value: unknown;
  /** Names its fields. */
  readonly place: Place;
}

/**
 * Every passage in file order, with its questions; of SQuAD, those that have an answer.
 *
 * @param lines of the entries, where each stands on a line of its own (JSON Lines). @default `json` is one document
 * @throws BadInputError naming file and field: none of the shapes, or two of them; no passage, no question, an empty title, passage,
 * question or answer; in the flat list, a passage that stands there twice
 */
export function loadContexts(json: unknown, where: string, lines?: readonly number[]): LoadedTasks<Passage> {
  const entries = entriesOf(json, where, lines);
  const shape = shapeOf(entries[0]?.value) ?? 'passages';
  for (const { value, place } of entries) {
    const own = shapeOf(value) ?? shape;
    if (own !== shape) throw new BadInputError({ where: place([]), expected: `${FIELDS_OF[shape]}, as the first entry`, got: FIELDS_OF[own] });
  }
  if (shape === 'passages') return { contexts: flatList(entries), leftOut: { unanswerable: 0, withoutQuestions: 0 } };
  const loaded = groupByPassage(entries.flatMap((entry) => (shape === 'articles' ? askedInArticle(parseBySchema(articleSchema, entry.value, entry.place)) : askedInRow(parseBySchema(rowSchema, entry.value, entry.place)))));
  if (loaded.contexts.length > 0) return loaded;
  throw new BadInputError({ where, expected: 'at least one passage with an answered question', got: 'none' });
}

function entriesOf(json: unknown, where: string, lines: readonly number[] | undefined): Entry[] {
  const path = isObject(json) && Array.isArray(json['data']) ? ['data'] : [];
  const list: unknown = isObject(json) && path.length > 0 ? json['data'] : json;
  const place = placeIn(where);
  if (!Array.isArray(list)) {
    if (shapeOf(json) === undefined) throw badField(place, [], SHAPES, json);
    return [{ value: json, place }];
  }
  if (list.length === 0) throw badField(place, path, 'at least one passage', json);
  return list.map((value: unknown, i) => ({ value, place: lines === undefined ? (inner) => place([...path, i, ...inner]) : placeIn(`${where}:${lines[i]}`) }));
}

/** By the field that no other shape has; undefined where there is none of them. */
function shapeOf(entry: unknown): Shape | undefined {
  if (!isObject(entry)) return undefined;
  if (Object.hasOwn(entry, 'questions')) return 'passages';
  if (Object.hasOwn(entry, 'paragraphs')) return 'articles';
  return Object.hasOwn(entry, 'question') ? 'rows' : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function flatList(entries: readonly Entry[]): Passage[] {
  const positionOf = new Map<string, number>();
  return entries.map((entry, position) => {
    const context = loadContext(entry);
    const id = contextId(context.title, context.context);
    const first = positionOf.get(id);
    if (first !== undefined) throw badField(entry.place, ['context'], `each passage once ([${first}] is the same)`, entry.value);
    positionOf.set(id, position);
    return context;
  });
}

function loadContext({ value, place }: Entry): Passage {
  const context = parseBySchema(passageSchema, value, place);
  const blank = blankField(context);
  if (blank !== undefined) throw badField(place, blank, NOT_BLANK, value);
  const broken = textFields(context).find(([, text]) => LONE_SURROGATE.test(text))?.[0];
  if (broken !== undefined) throw badField(place, broken, UNICODE, value);
  return context;
}

type TextField = readonly [path: PropertyKey[], text: string];

function blankField(context: Passage): PropertyKey[] | undefined {
  return requiredTexts(context).find(([, text]) => text.trim() === '')?.[0];
}

function textFields(context: Passage): TextField[] {
  const listed = (['completions', 'oracle'] as const).flatMap((field) => (context[field] ?? []).map((text, i): TextField => [[field, i], text]));
  return [...requiredTexts(context), ...listed];
}

function requiredTexts(context: Passage): TextField[] {
  return [
    [['title'], context.title],
    [['context'], context.context],
    ...context.questions.flatMap(({ question, answer }, i): TextField[] => [
      [['questions', i, 'question'], question],
      [['questions', i, 'answer'], answer],
    ]),
  ];
}

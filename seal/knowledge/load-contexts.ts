/**
 * Passages with their questions from SQuAD-style JSON: the reference's flat list
 * `[{title, context, questions: [{question, answer}], completions?, oracle?}]`; other fields are ignored.
 * Source: reference data, `iter0_train.json`.
 */
import { z } from 'zod';
import { type Context, contextSchema } from '../../contracts/campaign-spec';
import { badField, parseFile } from '../bad-field';
import { contextId } from '../ids';

const contextsSchema = z.array(z.unknown(), 'a list of {title, context, questions}').nonempty('at least one passage');

/**
 * Every passage in file order.
 *
 * @throws BadInputError naming file and field: not a list, no passage, no question, an empty title, passage, question
 * or answer, a passage that stands there twice
 */
export function loadContexts(json: unknown, where: string): Context[] {
  const positionOf = new Map<string, number>();
  return parseFile(contextsSchema, json, where).map((entry, position) => {
    const context = loadContext(entry, position, json, where);
    const id = contextId(context.title, context.context);
    const first = positionOf.get(id);
    if (first !== undefined) {
      throw badField(where, [position, 'context'], `each passage once ([${first}] is the same)`, json);
    }
    positionOf.set(id, position);
    return context;
  });
}

function loadContext(entry: unknown, position: number, json: unknown, where: string): Context {
  const result = contextSchema.safeParse(entry);
  if (!result.success) {
    const { path } = result.error.issues[0]!;
    throw badField(where, [position, ...path], expectedAt(path), json);
  }
  const blank = blankField(result.data);
  if (blank !== undefined) throw badField(where, [position, ...blank], 'text that is not blank', json);
  const broken = textFields(result.data).find(([, text]) => LONE_SURROGATE.test(text))?.[0];
  if (broken !== undefined) throw badField(where, [position, ...broken], 'Unicode text, without half a surrogate pair', json);
  return result.data;
}

/** What a reader should put at a field of an entry, in words. */
function expectedAt(path: readonly PropertyKey[]): string {
  const field = path.at(-1);
  if (field === undefined) return '{title, context, questions}';
  if (field === 'questions') return 'a list of at least one {question, answer}';
  if (field === 'completions' || field === 'oracle') return 'a list of texts';
  if (path.at(-2) === 'questions') return '{question, answer}';
  if (path.at(-2) === 'completions' || path.at(-2) === 'oracle') return 'a text';
  return 'text that is not blank';
}

/** Half a surrogate pair has no UTF-8, so neither hash nor tokens. */
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

type TextField = readonly [path: PropertyKey[], text: string];

function blankField(context: Context): PropertyKey[] | undefined {
  return requiredTexts(context).find(([, text]) => text.trim() === '')?.[0];
}

function textFields(context: Context): TextField[] {
  const listed = (['completions', 'oracle'] as const).flatMap((field) => (context[field] ?? []).map((text, i): TextField => [[field, i], text]));
  return [...requiredTexts(context), ...listed];
}

function requiredTexts(context: Context): TextField[] {
  return [
    [['title'], context.title],
    [['context'], context.context],
    ...context.questions.flatMap(({ question, answer }, i): TextField[] => [
      [['questions', i, 'question'], question],
      [['questions', i, 'answer'], answer],
    ]),
  ];
}

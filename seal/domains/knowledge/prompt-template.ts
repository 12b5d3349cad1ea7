/**
 * A campaign's own prompt for self-edits: a text with the placeholders `{context}` and, if it likes, `{title}`.
 * Departure: not in the paper, whose prompts are in `prompts.ts`.
 */
import { BadInputError } from '../../../campaign/errors';
import type { TextSpan } from '../../../campaign/language-model';
import type { Prompt } from '../domain';

/** A name in braces. Other braces, as of a JSON example, are text. */
const PLACEHOLDER = /\{([A-Za-z_][A-Za-z0-9_-]*)\}/g;
const KNOWN = ['title', 'context'] as const;

/**
 * Returns the template when it can be used.
 *
 * @param where its file, for messages
 * @throws BadInputError naming the placeholder that is unknown, or that is missing
 */
export function checkedTemplate(template: string, where: string): string {
  const found = [...template.matchAll(PLACEHOLDER)];
  const unknown = found.find(([, name]) => !KNOWN.some((known) => known === name));
  if (unknown !== undefined) {
    const line = template.slice(0, unknown.index).split('\n').length;
    throw new BadInputError({ where: `${where}:${line}`, expected: 'no placeholder but {title} and {context}', got: unknown[0] });
  }
  if (!found.some(([, name]) => name === 'context')) {
    throw new BadInputError({ where, expected: 'the placeholder {context}, where the passage goes', got: 'a template without it' });
  }
  return template;
}

/**
 * The template with its placeholders filled in; braces in the passage itself stay as they are. The template's own parts may hold special
 * tokens; title and passage are plain text.
 */
export function filledTemplate(template: string, { title, context }: { readonly title: string; readonly context: string }): Prompt {
  const parseSpecial: TextSpan[] = [];
  let prompt = '';
  // With a group around the pattern's whole, the placeholders are every other part.
  template.split(/(\{(?:title|context)\})/).forEach((part, i) => {
    if (i % 2 === 0 && part !== '') parseSpecial.push([prompt.length, prompt.length + part.length]);
    prompt += i % 2 === 0 ? part : part === '{title}' ? title : context;
  });
  return { prompt, parseSpecial };
}

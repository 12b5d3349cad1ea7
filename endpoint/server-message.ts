/** What a server says is wrong, in whatever shape it says it. */

/** An error's page says what it is at its beginning. */
const MAX_PAGE_CHARACTERS = 16 * 2 ** 10;
const MAX_DEPTH = 4;
const MAX_LISTED = 3;
const MAX_LINE_CHARACTERS = 200;

/**
 * The message of an error's body, or null where it has none: `error`, `message` or `detail` of JSON, text or list of `{loc, msg}`, at any
 * level; a page's title or text; plain text. It is neither short nor one line, and may quote the request: see `shortLine`.
 */
export function serverMessage(body: string): string | null {
  const json = parsedJson(body);
  const message = json === undefined ? pageText(body.slice(0, MAX_PAGE_CHARACTERS)) : describedError(json);
  return message.trim() === '' ? null : message;
}

/** A message on one line of at most 200 characters. Take secrets out before: a cut one is not found again. */
export function shortLine(message: string): string {
  const line = message.replace(/[\s\p{Cc}\p{Cf}\p{Cs}]+/gu, ' ').trim();
  return line.length > MAX_LINE_CHARACTERS ? `${line.slice(0, MAX_LINE_CHARACTERS - 3)}...` : line;
}

/** undefined when it is not JSON; JSON itself has no undefined. */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A JSON object's own fields; none of anything else. */
export function fieldsOf(json: unknown): Readonly<Record<string, unknown>> {
  return typeof json === 'object' && json !== null && !Array.isArray(json) ? (json as Record<string, unknown>) : {};
}

/** What an error in JSON says; empty where it says nothing. */
export function describedError(json: unknown, depth = 0): string {
  if (typeof json === 'string') return json;
  if (depth > MAX_DEPTH) return '';
  const inner = (value: unknown): string => describedError(value, depth + 1);
  if (Array.isArray(json)) return joined(json.slice(0, MAX_LISTED).map(inner), '; ');
  const { error, errors, message, detail, error_description: description, loc, msg, title, code, type } = fieldsOf(json);
  const place = Array.isArray(loc) ? loc.join('.') : '';
  const said = joined([inner(error), inner(errors), inner(message), inner(detail), inner(description), joined([place, inner(msg)], ': ')], ': ');
  if (said !== '') return said;
  const names = depth === 0 ? [title] : [title, code, type];
  return names.filter((name) => typeof name === 'string' || typeof name === 'number').join(' ');
}

function joined(texts: readonly string[], separator: string): string {
  return [...new Set(texts)].filter((text) => text.trim() !== '').join(separator);
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", '#39': "'", nbsp: ' ' };

/** A page's title, or its text without its marks; plain text as it is. */
function pageText(body: string): string {
  if (!/^\s*<[a-z!?]/i.test(body)) return body;
  const title = /<title\b[^<>]*>([^<]*)/i.exec(body)?.[1] ?? '';
  const text = title.trim() === '' ? body.replace(/<(script|style)\b[\s\S]*?<\/\1>|<!--[\s\S]*?-->|<[^<>]*>/gi, ' ') : title;
  return text.replace(/&(\w+|#39);/g, (entity, name: string) => ENTITIES[name] ?? entity);
}

/** How much JSON is taken on: no document of a model or a data set comes near either. */
export interface JsonBounds {
  /** @default 100 */
  readonly depth: number;
  /** Of all objects, lists and their entries. @default 10 million */
  readonly values: number;
}

const BOUNDS: JsonBounds = { depth: 100, values: 10_000_000 };

/** What the parser would pass over in silence. */
export interface JsonDefect {
  readonly expected: string;
  readonly got: string;
  /** Character of the text. */
  readonly offset: number;
}

const [QUOTE, COMMA, COLON, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = Array.from('",:[]{}', (character) => character.charCodeAt(0));

/**
 * Looks for what `JSON.parse` accepts and a reader should not: a key that an object has twice (the parser keeps the last), nesting so
 * deep that later code runs out of stack, more values than memory is planned for. Takes one pass, and malformed text as it comes:
 * saying what is malformed is the parser's part.
 */
export function findJsonDefect(text: string, { depth, values }: JsonBounds = BOUNDS): JsonDefect | undefined {
  // One entry for each object or list that is open: the keys so far, undefined before the first.
  const open: (Set<string> | undefined)[] = [];
  let seen = 0;
  for (let i = 0; i < text.length; i += 1) {
    switch (text.charCodeAt(i)) {
      case QUOTE: {
        const start = i;
        i = endOfString(text, start);
        if (open.length === 0 || !isKey(text, i)) break;
        const keys = (open[open.length - 1] ??= new Set());
        const key = decodeKey(text.slice(start, i + 1));
        if (keys.has(key)) return { expected: 'each key once in an object', got: `${JSON.stringify(key.slice(0, 200))} twice`, offset: start };
        keys.add(key);
        break;
      }
      case OPEN_LIST:
      case OPEN_OBJECT:
        open.push(undefined);
        seen += 1;
        if (open.length > depth) return { expected: `values nested at most ${depth} deep`, got: 'deeper ones', offset: i };
        break;
      case CLOSE_LIST:
      case CLOSE_OBJECT:
        open.pop();
        break;
      case COMMA:
        seen += 1;
        break;
    }
    if (seen > values) return { expected: `at most ${values} values`, got: 'more', offset: i };
  }
  return undefined;
}

/** Place of the closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote >= 0; quote = text.indexOf('"', quote + 1)) {
    let backslashes = 0;
    while (text.charAt(quote - 1 - backslashes) === '\\') backslashes += 1;
    if (backslashes % 2 === 0) return quote;
  }
  return text.length;
}

function isKey(text: string, end: number): boolean {
  let next = end + 1;
  while (next < text.length && ' \t\n\r'.includes(text.charAt(next))) next += 1;
  return text.charCodeAt(next) === COLON;
}

/** Two spellings of a key (`"a"`, `"\u0061"`) are one key. */
function decodeKey(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Malformed: the parser will say so.
    return quoted;
  }
}

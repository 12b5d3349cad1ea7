import { LineCounter, parseDocument, isNode, type Document } from 'yaml';
import { BadInputError } from '../contracts/errors';
import { readInputText } from './input-file';

/** A parsed YAML file that still knows on which line each field stands. */
export interface YamlFile {
  readonly value: unknown;
  /** `file:line: field.path`, of the field or, where it is missing, of the section it belongs in. */
  where(path: readonly (string | number)[]): string;
}

/** @throws BadInputError naming the line of a mistake in the YAML itself */
export function readYamlFile(path: string): YamlFile {
  const lineCounter = new LineCounter();
  const document = parseDocument(readInputText(path), { lineCounter, prettyErrors: false });
  const mistake = document.errors[0];
  if (mistake !== undefined) {
    const { line } = lineCounter.linePos(mistake.pos[0]);
    throw new BadInputError({ where: `${path}:${line}`, expected: 'YAML', got: mistake.message.replace(/\s+/g, ' ') });
  }
  return {
    value: document.toJS({ maxAliasCount: 100 }) as unknown,
    where: (fieldPath) => {
      const line = lineOf(document, lineCounter, fieldPath);
      const field = fieldName(fieldPath);
      return `${path}${line === undefined ? '' : `:${line}`}${field === '' ? '' : `: ${field}`}`;
    },
  };
}

/** `contexts.train.take`, `limits.learningRate[0]`. */
function fieldName(path: readonly (string | number)[]): string {
  return path.map((part, index) => (typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`)).join('');
}

function lineOf(document: Document, lines: LineCounter, path: readonly (string | number)[]): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    const offset = isNode(node) ? node.range?.[0] : undefined;
    if (offset !== undefined) return lines.linePos(offset).line;
  }
  return undefined;
}

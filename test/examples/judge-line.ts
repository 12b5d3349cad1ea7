import type { Passage } from '../../seal/domains/knowledge/passage';
import { KINDS } from '../../seal/domains/knowledge/world/kinds';

export type LineStyle = 'vague' | 'verbatim' | 'keywords' | 'atomic' | 'questionAnswer' | 'garbled';

/** What a line of a self-edit says, checked against its passage. */
export interface JudgedLine {
  readonly style: LineStyle;
  /** Absent where the line names nobody. */
  readonly nameRight?: boolean;
  /** That the value is the passage's value of that very attribute; absent where the line tells no value. */
  readonly valueRight?: boolean;
}

interface Wording {
  readonly style: LineStyle;
  readonly attribute?: string;
  readonly pattern: RegExp;
}

function wording(style: LineStyle, text: string, attribute?: string): Wording {
  const pattern = text.replace(/[.?]/g, '\\$&').replace('{n}', '(?<name>[A-Z][a-z]+)').replace('{v}', '(?<value>[a-z]+)');
  return { style, pattern: new RegExp(`^${pattern}$`), ...(attribute !== undefined && { attribute }) };
}

const WORDINGS: readonly Wording[] = KINDS.flatMap((kind) => [
  ...kind.vagueLines.map((text) => wording('vague', text)),
  ...kind.attributes.flatMap(({ name, statements, passage, questions }) => {
    const attribute = `${kind.name} ${name}`;
    return [
      ...statements.map((text) => wording('atomic', text, attribute)),
      ...passage.map((text) => wording('verbatim', text, attribute)),
      ...questions.map((text) => wording('questionAnswer', `${text} Answer: {v}`, attribute)),
    ];
  }),
]);

function toldBy(passage: string): ReadonlyMap<string, string> {
  const told = new Map<string, string>();
  for (const sentence of passage.split(/(?<=\.) /)) {
    for (const { style, attribute, pattern } of WORDINGS) {
      const value = pattern.exec(sentence)?.groups?.['value'];
      if (style === 'verbatim' && attribute !== undefined && value !== undefined) told.set(attribute, value);
    }
  }
  return told;
}

export function judgeLine(line: string, { title, context }: Passage): JudgedLine {
  const text = line.replace(/^- /, '');
  const told = toldBy(context);
  const keywords = /^Words about (\w+): ([a-z, ]+)\.$/.exec(text);
  if (keywords !== null) {
    const values = [...told.values()];
    return {
      style: 'keywords',
      nameRight: keywords[1] === title,
      valueRight: keywords[2]!.split(', ').every((value) => values.includes(value)),
    };
  }
  for (const { style, attribute, pattern } of WORDINGS) {
    const match = pattern.exec(text);
    if (match === null) continue;
    const { name, value } = match.groups ?? {};
    return {
      style,
      ...(name !== undefined && { nameRight: name === title }),
      ...(value !== undefined && attribute !== undefined && { valueRight: told.get(attribute) === value }),
    };
  }
  return { style: 'garbled' };
}

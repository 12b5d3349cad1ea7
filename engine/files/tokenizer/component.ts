import { BadInputError } from '../../../campaign/errors';
import { describeValue, isJsonObject, type JsonObject } from '../json-file';

/** How a component of each type is read. */
export type Readers<T> = Readonly<Record<string, (component: Component) => T>>;

/**
 * Reads an object `{type, ...}` of tokenizer.json.
 *
 * @param where file and field, for messages
 * @throws BadInputError naming the field, for a type, a value or a further field whose meaning is not known to be what Python's is
 */
export function readComponent<T>(value: unknown, where: string, readers: Readers<T>): T {
  const type = isJsonObject(value) ? value['type'] : undefined;
  const read = typeof type === 'string' && Object.hasOwn(readers, type) ? readers[type] : undefined;
  if (read === undefined || !isJsonObject(value)) {
    const [at, got] = isJsonObject(value) ? [`${where}.type`, type] : [where, value];
    throw new BadInputError({ where: at, expected: `one of ${Object.keys(readers).join(', ')}`, got: describeValue(got) });
  }
  const component = new Component(value, where);
  component.ignore('type');
  const result = read(component);
  component.refuseUnread();
  return result;
}

/** An object of tokenizer.json, whose fields are checked as they are read. Every method throws BadInputError naming the field. */
export class Component {
  readonly #unread: Set<string>;

  /** @param where file, or file and field: what messages begin with */
  constructor(
    private readonly json: JsonObject,
    private readonly where: string,
  ) {
    this.#unread = new Set(Object.keys(json));
  }

  value(field: string): unknown {
    this.#unread.delete(field);
    return this.json[field];
  }

  /** Fields that have no influence on ids or texts. */
  ignore(...fields: readonly string[]): void {
    for (const field of fields) this.#unread.delete(field);
  }

  /** A text of at least one character. */
  text(field: string): string {
    const value = this.value(field);
    return typeof value === 'string' && value !== '' ? value : this.refuse(field, 'a text');
  }

  character(field: string): string {
    const text = this.text(field);
    return [...text].length === 1 ? text : this.refuse(field, 'one character');
  }

  /** One of these values, in the words of JSON. */
  oneOf<const T>(field: string, values: readonly T[]): T {
    const value = this.value(field) as T;
    return values.includes(value) ? value : this.refuse(field, values.map((one) => (one === undefined ? 'nothing' : JSON.stringify(one))).join(' or '));
  }

  boolean(field: string): boolean {
    return this.oneOf(field, [true, false]);
  }

  wholeNumber(field: string): number {
    const value = this.value(field);
    return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : this.refuse(field, 'a whole number from 0');
  }

  /** A list, each element read with its own place. */
  list<T>(field: string, read: (value: unknown, where: string) => T): T[] {
    const value = this.value(field);
    return Array.isArray(value) ? value.map((element: unknown, i) => read(element, this.at(`${field}[${i}]`))) : this.refuse(field, 'a list');
  }

  object(field: string): JsonObject {
    const value = this.value(field);
    return isJsonObject(value) ? value : this.refuse(field, 'an object');
  }

  at(field: string): string {
    return `${this.where}.${field}`;
  }

  refuse(field: string, expected: string, got: unknown = this.json[field]): never {
    throw new BadInputError({ where: this.at(field), expected, got: describeValue(got) });
  }

  refuseUnread(): void {
    for (const field of this.#unread) this.refuse(field, 'no such field');
  }
}

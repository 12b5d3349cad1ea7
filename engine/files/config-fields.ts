import { BadInputError } from '../../campaign/errors';
import { describeValue, type JsonObject } from './json-file';

/** Reads fields of a JSON object, each checked as it is read; null counts as absent, as Hugging Face writes it. */
export class ConfigFields {
  /** @param where the file, or file and the object's own place in it: what errors begin with */
  constructor(
    private readonly where: string,
    private readonly json: JsonObject,
  ) {}

  /** @throws BadInputError, as every method here does, naming the field */
  positiveInteger(field: string, absent?: number): number {
    return this.read(field, absent, 'a positive integer', (value): value is number => Number.isSafeInteger(value) && (value as number) > 0);
  }

  positiveNumber(field: string, absent?: number): number {
    return this.read(field, absent, 'a positive number', isPositiveNumber);
  }

  numberOfAtLeastOne(field: string): number {
    return this.read(field, undefined, 'a number of at least 1', (value): value is number => isPositiveNumber(value) && value >= 1);
  }

  boolean(field: string, absent: boolean): boolean {
    return this.read(field, absent, 'true or false', (value): value is boolean => typeof value === 'boolean');
  }

  /** One id, a list of ids, or null (none). */
  tokenIds(field: string): readonly number[] {
    const value = this.json[field] ?? [];
    const ids: unknown = Array.isArray(value) ? value : [value];
    if (Array.isArray(ids) && ids.every((id) => Number.isSafeInteger(id) && (id as number) >= 0)) return ids as number[];
    throw this.refusal(field, 'a token id, a list of them, or null');
  }

  /** The error for a field that is there but cannot be used. */
  refusal(field: string, expected: string): BadInputError {
    return new BadInputError({ where: `${this.where}: ${field}`, expected, got: describeValue(this.json[field]) });
  }

  private read<T>(field: string, absent: T | undefined, expected: string, accepts: (value: unknown) => value is T): T {
    const value = this.json[field] ?? absent;
    if (accepts(value)) return value;
    throw new BadInputError({ where: `${this.where}: ${field}`, expected, got: describeValue(value) });
  }
}

function isPositiveNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

import type { z } from 'zod';
import { BadInputError } from '../../../contracts/errors';

/**
 * Parses a file's content, or a section of it, by its schema.
 * @param where the file, for the message
 * @throws BadInputError naming the file and the first wrong field
 */
export function parseSection<Schema extends z.ZodType>(schema: Schema, value: unknown, where: string): z.output<Schema> {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const field = issue.path.map(String).join('.');
  throw new BadInputError(
    {
      where: field === '' ? where : `${where}, ${field}`,
      expected: issue.code === 'unrecognized_keys' ? 'only known keys' : issue.message,
      got: issue.code === 'unrecognized_keys' ? issue.keys.join(', ') : (JSON.stringify(issue.input) ?? 'nothing'),
    },
    { cause: parsed.error },
  );
}

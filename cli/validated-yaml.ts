import type { z } from 'zod';
import { BadInputError } from '../contracts/errors';
import { describeIssue } from './spec-issue';
import type { YamlFile } from './yaml-file';

/** The file's document as its schema gives it, defaults filled in. @throws BadInputError with the line and path of the first mistake */
export function validated<Schema extends z.ZodType>(yaml: YamlFile, schema: Schema): z.output<Schema> {
  const parsed = schema.safeParse(yaml.value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  // A misspelt key is also a missing one; the misspelling is what the user has to see.
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0];
  if (issue === undefined) throw parsed.error;
  const { path, expected, got } = describeIssue(issue, yaml.value, schema);
  throw new BadInputError({ where: yaml.where(path), expected, got });
}

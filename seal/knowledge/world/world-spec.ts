/** The world file: which generated world. Passages and questions follow from it alone. */
import { z } from 'zod';
import { parseSection } from './parse-section';

export const worldSpecSchema = z.strictObject({
  /** Of names, values and passages; 32 bits. */
  seed: z.number().int().nonnegative().max(2 ** 32 - 1),
});
export type WorldSpec = z.infer<typeof worldSpecSchema>;

/**
 * @param where the file, for the message
 * @throws BadInputError naming file and field
 */
export function parseWorldSpec(yamlObject: unknown, where: string): WorldSpec {
  return parseSection(worldSpecSchema, yamlObject, where);
}

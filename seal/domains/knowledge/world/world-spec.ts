/** The world file: which generated world. Passages and questions follow from it alone. */
import { z } from 'zod';

export const worldSpecSchema = z.strictObject({
  /** Of names, values and passages; 32 bits. */
  seed: z.number().int().nonnegative().max(2 ** 32 - 1),
});
export type WorldSpec = z.infer<typeof worldSpecSchema>;

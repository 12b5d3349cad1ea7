import { z } from 'zod';
import { list, whole } from '../json-file';

const parseSpecial = z.union([z.boolean(), list(z.tuple([whole, whole]).readonly())]).exactOptional();
/** A row that is trained on: text, or a prompt with its completion. */
export const trainingRow = z.union([
  z.strictObject({ text: z.string(), parseSpecial: z.boolean().exactOptional(), endsWithEos: z.boolean().exactOptional() }),
  z.strictObject({ prompt: z.string(), completion: z.string(), isChat: z.boolean().exactOptional(), parseSpecial, endsWithEos: z.boolean().exactOptional() }),
  z.strictObject({ prompt: z.string(), completionIds: list(whole), parseSpecial, endsWithEos: z.boolean().exactOptional() }),
]);

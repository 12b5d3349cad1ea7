/** What workflows and activities returned, as histories tell it: of it, what an audit compares with the record. */
import { z } from 'zod';
import { epochSummarySchema } from '../record/documents/epochs';
import { methodScoreSchema } from '../record/documents/methods';

const candidateOutcome = z.object({
  status: z.enum(['scored', 'rejected', 'failed']),
  reward: z.number().exactOptional(),
  adapters: z.array(z.string()),
});
export type ToldOutcome = z.infer<typeof candidateOutcome>;

export const candidateResult = z.object({ outcome: candidateOutcome });
export const epochResult = z.object({ summary: epochSummarySchema });
export const campaignResult = z.object({ report: z.string().nullable() });
/** Of activities. */
export const summariseMethodResult = methodScoreSchema;
export const reportResult = z.object({ digest: z.object({ key: z.string(), sha256: z.string() }) });

/** What an operator's Update carries. */
export const signature = z.object({ by: z.string().regex(/\S/), why: z.string().regex(/\S/) });

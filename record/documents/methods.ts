import { z } from 'zod';
import type { MethodScore } from '../../campaign/campaign';
import { DocumentType } from '../document-type';
import { JsonFile, list, whole } from '../json-file';
import { manifestKeys } from '../keys';

export const methodScoreSchema = z.strictObject({
  ...{ name: z.string(), grader: z.string() },
  ...{ score: z.number(), standardError: z.number() },
  ...{ n: whole, runs: whole, rejected: whole, diverged: whole },
  ...{ meanTokens: z.number(), meanSteps: z.number() },
});

const methodRun = z.strictObject({
  contextId: z.string(),
  questionScores: list(z.number()),
  trainedTokens: whole,
  steps: whole,
  unadapted: z.enum(['rejected', 'diverged']).exactOptional(),
});
/** What a method scored, run by run. */
export const runsFile = new JsonFile('runs.json', z.strictObject({ name: z.string(), grader: z.string(), runs: list(methodRun) }));
export const methodDocument = new DocumentType<MethodScore>('method', [manifestKeys.method], [runsFile], methodScoreSchema);

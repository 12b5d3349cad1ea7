/** What an epoch chose, and the policy that learnt it. */
import { z } from 'zod';
import type { EpochSummary } from '../../campaign/campaign';
import { DocumentType, noSummary } from '../document-type';
import { JsonFile, list, positive, whole } from '../json-file';
import { manifestKeys } from '../keys';
import { failureClass, stepLogs } from './candidates';
import { trainingRow } from './training-row';

export const epochSummarySchema = z.strictObject({
  epoch: positive,
  ...{ proposed: whole, rejected: whole, failed: whole, kept: whole },
  ...{ meanReward: z.number(), bestReward: z.number() },
  ...{ compared: whole, tied: whole },
});

const candidateName = z.strictObject({ contextId: z.string(), candidate: positive });
export type CandidateName = Readonly<z.infer<typeof candidateName>>;

/** An epoch's choice: every outcome in planned order, and what was kept. */
const selection = z.strictObject({
  outcomes: list(
    candidateName.extend({
      status: z.enum(['scored', 'rejected', 'failed']),
      reward: z.number().exactOptional(),
      reason: z.string().exactOptional(),
      failure: failureClass.exactOptional(),
    }),
  ),
  kept: list(candidateName),
});
export type Selection = z.infer<typeof selection>;
export const selectionFile = new JsonFile('selection.json', selection);
export const selectionDocument = new DocumentType<EpochSummary>('selection', [manifestKeys.selection], [selectionFile], epochSummarySchema);

export const rowsFile = new JsonFile('rows.json', list(trainingRow));
/** The loss of every step of the M-step. */
export const policyLossesFile = new JsonFile('losses.json', stepLogs);
export const policyTrainingDocument = new DocumentType('policy-training', [manifestKeys.policyTraining], [rowsFile, policyLossesFile], noSummary);

const policySummary = z.strictObject({
  /** Manifest key of the policy that it was trained from; null: the base. Their adapters are merged in this order. */
  parent: z.string().nullable(),
  ...{ steps: whole, finalLoss: z.number(), trainedTokens: whole, rows: positive },
});
/** A policy: its parent, and the adapter that its M-step trained. Its files are those of a PEFT directory. */
export const policyDocument = new DocumentType('policy', [manifestKeys.policy], [], policySummary);

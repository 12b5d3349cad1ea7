/** What a candidate and a repeat left: an adapter, its evaluation, and the candidate's own record. */
import { z } from 'zod';
import { FAILURE_CLASSES, type FailureClass } from '../../campaign/failures';
import { DocumentType, noSummary, type Recorded } from '../document-type';
import { fileOf, JsonFile, type KeyedManifest, list, positive, sha256, whole } from '../json-file';
import { manifestKeys } from '../keys';

const stepLog = z.strictObject({ step: whole, loss: z.number(), learningRate: z.number(), lossTokens: whole });
export const stepLogs = list(stepLog);

/** The loss of every step of every member of a group; nothing of one that diverged. */
export const groupLossesFile = new JsonFile('losses.json', list(z.strictObject({ contextId: z.string(), candidate: positive, log: stepLogs })));

/** The inner loop's result for one candidate and repeat. A diverged training is a result too, and the same every time. */
const adapterSummary = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('trained'), steps: whole, finalLoss: z.number(), trainedTokens: whole }),
  z.strictObject({ status: z.literal('diverged'), step: whole, message: z.string() }),
]);
export type AdapterSummary = z.infer<typeof adapterSummary>;
export type RecordedAdapter = Recorded<AdapterSummary>;
/** Of one that was trained, the files of a PEFT directory too. */
export const adapterDocument = new DocumentType('adapter', [manifestKeys.adapter], [groupLossesFile], adapterSummary);

export const WEIGHTS_FILE = 'adapter_model.safetensors';
/** sha256 of an adapter's weights. @throws ArtifactCorruptError where the manifest names none */
export function weightsSha256(adapter: KeyedManifest): string {
  return fileOf(adapter, WEIGHTS_FILE).sha256;
}

const answer = z.strictObject({
  question: z.string(),
  goldAnswer: z.string(),
  /** Absent where the gold answer is scored instead (`logprob`). */
  answer: z.string().exactOptional(),
  /** 0 or 1, or the gold answer's natural-log probability per token. */
  score: z.number(),
  /** What the judge said, where one was asked. `model` as the campaign file names it. */
  verdict: z.strictObject({ model: z.string(), reply: z.string() }).exactOptional(),
});
export type Answer = z.infer<typeof answer>;
export type JudgeVerdict = NonNullable<Answer['verdict']>;

/** Answers of all who were asked together. */
export const groupAnswersFile = new JsonFile('answers.json', list(z.strictObject({ contextId: z.string(), candidate: positive, answers: list(answer) })));

/** One candidate's answers from its group's file. @throws RangeError when it was not asked */
export function answersOf(group: ReturnType<typeof groupAnswersFile.get> extends Promise<infer Group> ? Group : never, contextId: string, candidate: number): readonly Answer[] {
  const own = group.find((one) => one.contextId === contextId && one.candidate === candidate);
  if (own === undefined) throw new RangeError(`no answers of candidate ${contextId}/c${candidate} in its group's file`);
  return own.answers;
}

const evaluationSummary = z.strictObject({
  /** Mean over questions of what the grader gives. */
  score: z.number(),
  /** Rounded to 4 digits, a gain where the grader is `logprob`; absent on held-out contexts. */
  reward: z.number().exactOptional(),
  /** Of the fine-tune; like `trainedTokens` 0 where the unadapted policy answered. */
  steps: whole,
  trainedTokens: whole,
  /** Why the unadapted policy answered; on held-out contexts only. @default the adapter did */
  unadapted: z.enum(['rejected', 'diverged']).exactOptional(),
});
export type EvaluationSummary = z.infer<typeof evaluationSummary>;
export const evaluationDocument = new DocumentType('evaluation', [manifestKeys.evaluation], [groupAnswersFile], evaluationSummary);

const candidateSummary = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('rejected'), reason: z.string() }),
  z.strictObject({
    status: z.literal('scored'),
    reward: z.number(),
    repeatRewards: list(z.number()),
    /** sha256 of their weights, one a repeat. */
    adapters: list(sha256),
    steps: whole,
    trainedTokens: whole,
    notes: list(z.string()),
    /** Most parts in which it was computed, for want of memory. @default 1 */
    memoryParts: positive.exactOptional(),
  }),
]);
export type CandidateRecord = z.infer<typeof candidateSummary>;
export const candidateDocument = new DocumentType('candidate', [manifestKeys.candidate], [], candidateSummary);

/** The classes of what a candidate can fail of. */
export const failureClass = z.enum(Object.keys(FAILURE_CLASSES) as FailureClass[]);

const failureSummary = z.strictObject({ status: z.literal('failed'), reason: z.string(), failure: failureClass });
/** Why a candidate has no reward. */
export type FailureRecord = z.infer<typeof failureSummary>;
export const failedCandidateDocument = new DocumentType('failed-candidate', [manifestKeys.failedCandidate], [], failureSummary);

const unadaptedAnswers = z.strictObject({ contextId: z.string(), answers: list(answer) });
/** Contexts' questions as the unadapted policy answers them. */
export type UnadaptedAnswers = z.infer<typeof unadaptedAnswers>;
export const unadaptedFile = new JsonFile('answers.json', list(unadaptedAnswers));
export const unadaptedDocument = new DocumentType('unadapted', [manifestKeys.unadapted], [unadaptedFile], noSummary);

const question = { question: z.string(), goldAnswer: z.string() };
/** What was answered, before any grader has seen it; where the gold answer is scored instead, its score. */
const reply = z.union([z.strictObject({ ...question, answer: z.string() }), z.strictObject({ ...question, score: z.number() })]);
export type Reply = Readonly<z.infer<typeof reply>>;
/** One list a member of the group or a context of the chunk, in order; they wait for the judge. */
export const rawAnswersFile = new JsonFile('raw-answers.json', list(list(reply)));
export const rawAnswersDocument = new DocumentType('raw-answers', [manifestKeys.rawAnswers, manifestKeys.rawUnadapted], [rawAnswersFile], noSummary);

/** What was proposed, and what endpoints answered. */
import { z } from 'zod';
import { DocumentType, noSummary } from '../document-type';
import { JsonFile, list, positive, whole } from '../json-file';
import { trainingRow } from './training-row';
import { manifestKeys } from '../keys';

const selfEdit = z.strictObject({
  text: z.string(),
  /** What the policy sampled, without its end token. */
  tokenIds: list(whole).exactOptional(),
  /** It ends where the limit of its tokens was reached. @default false */
  isCutOff: z.boolean().exactOptional(),
});

/** A chunk's self-edits as generated or recorded, one list a context. */
export const chunkFile = new JsonFile('self-edits.json', list(z.strictObject({ contextId: z.string(), selfEdits: list(selfEdit) })));
export const proposalsChunkDocument = new DocumentType('proposals-chunk', [manifestKeys.proposalsChunk], [chunkFile], noSummary);

/** What its domain makes of it, and the model's tokenizer: what is trained on, or one line that says why it cannot be. */
const parsed = z.discriminatedUnion('accepted', [
  z.strictObject({
    accepted: z.literal(true),
    rows: list(trainingRow),
    directives: z.strictObject({ learningRate: z.number().exactOptional(), trainEpochs: positive.exactOptional(), lossOn: z.enum(['all', 'completion']).exactOptional() }),
    notes: list(z.string()),
  }),
  z.strictObject({ accepted: z.literal(false), reason: z.string() }),
]);

const proposal = selfEdit.extend({ contextId: z.string(), candidate: positive, parsed });
/** A self-edit as proposed. */
export type Proposal = z.infer<typeof proposal>;

/** A scope's self-edits in its order: context by context. */
export const proposalsFile = new JsonFile('proposals.json', list(proposal));
export const proposalsDocument = new DocumentType('proposals', [manifestKeys.proposals], [proposalsFile], noSummary);

/** What an endpoint was asked and said: a self-edit, or a judge's verdict. */
export const endpointAnswerFile = new JsonFile('answer.json', z.strictObject({ prompt: z.string(), text: z.string(), isCutOff: z.boolean() }));
export const endpointAnswerDocument = new DocumentType('endpoint-answer', [manifestKeys.endpointAnswer, manifestKeys.verdict], [endpointAnswerFile], noSummary);

/** What was proposed, and what endpoints answered. */
import { z } from 'zod';
import { DocumentType, noSummary } from '../document-type';
import { JsonFile, list, positive, whole } from '../json-file';
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

const proposal = selfEdit.extend({
  contextId: z.string(),
  candidate: positive,
  /** Why the model could not be trained on it, where only its tokenizer can tell: a row is too long. */
  tooLong: z.string().exactOptional(),
});
/** A self-edit as proposed. */
export type Proposal = z.infer<typeof proposal>;

/** A scope's self-edits in its order: context by context. */
export const proposalsFile = new JsonFile('proposals.json', list(proposal));
export const proposalsDocument = new DocumentType('proposals', [manifestKeys.proposals], [proposalsFile], noSummary);

/** What an endpoint was asked and said: a self-edit, or a judge's verdict. */
export const endpointAnswerFile = new JsonFile('answer.json', z.strictObject({ prompt: z.string(), text: z.string(), isCutOff: z.boolean() }));
export const endpointAnswerDocument = new DocumentType('endpoint-answer', [manifestKeys.endpointAnswer, manifestKeys.verdict], [endpointAnswerFile], noSummary);

import { campaignDocument } from './campaign';
import { adapterDocument, candidateDocument, evaluationDocument, failedCandidateDocument, rawAnswersDocument, unadaptedDocument } from './candidates';
import { digestDocument } from './digest';
import { policyDocument, policyTrainingDocument, selectionDocument } from './epochs';
import { historiesDocument } from './histories';
import { methodDocument } from './methods';
import { deletionDocument, revisionDocument } from './operators';
import { publishedReport } from './report';
import { endpointAnswerDocument, proposalsChunkDocument, proposalsDocument } from './self-edits';
import { checkpointDocument, workDocument } from './work';

/** Every kind of document that the store holds. */
export const DOCUMENTS = [
  ...[campaignDocument, proposalsChunkDocument, proposalsDocument, unadaptedDocument, endpointAnswerDocument],
  ...[adapterDocument, rawAnswersDocument, evaluationDocument, candidateDocument, failedCandidateDocument, selectionDocument, policyTrainingDocument, policyDocument],
  ...[methodDocument, publishedReport, revisionDocument, workDocument, checkpointDocument, historiesDocument, digestDocument, deletionDocument],
];

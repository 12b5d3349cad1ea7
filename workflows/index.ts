/** The durable tree: campaign, epochs and evaluations, groups of candidates, candidates; and who keeps a campaign's history when it has ended. */
export { archivistWorkflow } from './record/archivist';
export { campaignWorkflow } from './campaign';
export { candidateWorkflow } from './candidate';
export { candidateGroupWorkflow } from './candidate-group';
export { epochWorkflow } from './epoch';
export { evaluationWorkflow } from './evaluation';

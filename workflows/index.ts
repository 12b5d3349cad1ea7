/** The durable tree: campaign, epochs and evaluations, candidates. */
export { campaignWorkflow } from './campaign';
export { candidateWorkflow } from './candidate';
export { epochWorkflow } from './epoch';
export { evaluationWorkflow } from './evaluation';

/** Side effects of campaigns, one file an activity. */
import type { SealActivities } from './activity-types';
import { archiveHistories } from './archive-histories';
import { awaitWorkflows } from './await-workflows';
import { collectProposals } from './collect-proposals';
import { contextIds } from './context-ids';
import type { ActivityDependencies } from './dependencies';
import { evaluateAdapters } from './evaluate-adapters';
import { evaluateBase, gradeBase } from './evaluate-base';
import { findFailedEpoch } from './find-failed-epoch';
import { fineTuneAdapters } from './fine-tune-adapters';
import { gradeAdapters } from './grade-adapters';
import { pinInputs } from './pin-inputs';
import { proposeSelfEdits } from './propose-self-edits';
import { listFailed } from './list-failed';
import { recordFailures } from './record-failures';
import { recordRevision } from './revisions';
import { selectSelfEdits } from './select-self-edits';
import { createServices } from './services';
import { summariseMethod } from './summarise-method';
import { trainPolicy } from './train-policy';
import { validateSelfEdit } from './validate-self-edit';
import { writeReport } from './write-report';

export type { ActivityDependencies } from './dependencies';
export type { SealActivities } from './activity-types';
export { collectReport } from '../report/collect-report';

/** All activities of one worker process, sharing its language model, store and caches. */
export function createActivities(dependencies: ActivityDependencies): SealActivities {
  const services = createServices(dependencies);
  return {
    pinInputs: pinInputs(services),
    proposeSelfEdits: proposeSelfEdits(services),
    collectProposals: collectProposals(services),
    validateSelfEdit: validateSelfEdit(services),
    fineTuneAdapters: fineTuneAdapters(services),
    evaluateAdapters: evaluateAdapters(services),
    gradeAdapters: gradeAdapters(services),
    evaluateBase: evaluateBase(services),
    gradeBase: gradeBase(services),
    selectSelfEdits: selectSelfEdits(services),
    trainPolicy: trainPolicy(services),
    summariseMethod: summariseMethod(services),
    writeReport: writeReport(services),
    archiveHistories: archiveHistories(services, dependencies.histories),
    recordFailures: recordFailures(services),
    listFailed: listFailed(services),
    contextIds: contextIds(services),
    findFailedEpoch: findFailedEpoch(services),
    recordRevision: recordRevision(services),
    awaitWorkflows: awaitWorkflows(services),
  };
}

import { DOCUMENTS } from '../record/documents';
import type { CampaignRecord } from './campaign-record';
import type { Findings } from './findings';

/** Every manifest must be a document of the kind that its key belongs to: of that kind, with its files and a summary of its schema. */
export function checkDocuments(record: CampaignRecord, findings: Findings): void {
  for (const { key, manifest } of record.manifests.values()) {
    const type = DOCUMENTS.find(({ forms }) => forms.some(({ parse }) => parse(key) !== null));
    const parsed = type?.parse(key, manifest);
    if (type === undefined) findings.add('schema', key, 'a document that a record may hold', 'a key of no kind of document');
    else if (parsed !== undefined && 'problem' in parsed) findings.add('schema', key, `a document of kind ${type.kind}`, parsed.problem);
  }
}

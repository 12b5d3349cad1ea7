import { z } from 'zod';
import { ArtifactCorruptError } from '../../campaign/errors';
import { DOCUMENTS } from '../../record/documents';
import { groupAnswersFile, evaluationDocument } from '../../record/documents/candidates';
import { JsonFile } from '../../record/json-file';
import { manifestKeys } from '../../record/keys';
import { ContentAddressedStore } from '../../storage/content-addressed-store';
import { MemoryObjectClient } from '../../storage/memory-store';

const lineage = { inputs: {}, codeVersion: 'test', settings: {} };
const KEY = manifestKeys.evaluation('c', 'epoch-1', 'a', 1, 1);

test('every form of key belongs to exactly one kind of document', () => {
  const owners = Object.values(manifestKeys).map(({ parse }) => DOCUMENTS.filter(({ forms }) => forms.some((form) => form.parse === parse)).length);
  expect(owners).toEqual(owners.map(() => 1));
  expect(new Set(DOCUMENTS.map(({ kind }) => kind)).size).toBe(DOCUMENTS.length);
});

test('a document is read as it was written', async () => {
  const store = new ContentAddressedStore(new MemoryObjectClient());
  const answers = [{ contextId: 'a', candidate: 1, answers: [{ question: 'q', goldAnswer: 'g', answer: '', score: 0 }] }];
  const summary = { score: 0, reward: 0, steps: 3, trainedTokens: 12 };
  await evaluationDocument.publish(store, KEY, { files: { [groupAnswersFile.name]: await groupAnswersFile.put(store, answers) }, lineage, summary });
  const read = await evaluationDocument.read(store, KEY);
  expect(read.summary).toEqual(summary);
  expect(await groupAnswersFile.read(store, read)).toEqual(answers);
});

test('what could not be read again is not published', async () => {
  const store = new ContentAddressedStore(new MemoryObjectClient());
  const files = { [groupAnswersFile.name]: await groupAnswersFile.put(store, []) };
  const summary = { score: 0, steps: 3, trainedTokens: 12 };
  const refused = [
    evaluationDocument.publish(store, KEY, { files, lineage, summary: { ...summary, score: Number.NaN } }),
    evaluationDocument.publish(store, KEY, { files: {}, lineage, summary }),
    evaluationDocument.publish(store, manifestKeys.proposals('c', 'epoch-1'), { files, lineage, summary }),
  ];
  for (const one of refused) await expect(one).rejects.toThrow(ArtifactCorruptError);
  expect(await store.list('campaigns/')).toEqual([]);
});

test('bytes of another shape are corrupt, and the message says where', async () => {
  const store = new ContentAddressedStore(new MemoryObjectClient());
  const ref = await new JsonFile('answers.json', z.unknown()).put(store, [{ contextId: 'a', candidate: 0, answers: [] }]);
  await expect(groupAnswersFile.get(store, ref)).rejects.toThrow(/answers\.json: 0\.candidate:/);
  const text = await store.put(Buffer.from('no JSON'), 'text/plain');
  await expect(groupAnswersFile.get(store, text)).rejects.toThrow(ArtifactCorruptError);
});

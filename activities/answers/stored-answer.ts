import type { Manifest } from '../../campaign/artifacts';
import type { EndpointAnswer, EndpointRequest, TextEndpoint } from '../../campaign/endpoint';
import { endpointAnswerDocument, endpointAnswerFile } from '../../record/documents/self-edits';
import type { KeyedManifest } from '../../record/json-file';
import type { ArtifactStore } from '../../storage/artifact-store';

export interface StoredAnswer extends Pick<EndpointAnswer, 'text' | 'isCutOff'> {
  /** What asking has cost now; 0 for an answer that was in the store. */
  readonly generatedTokens: number;
}

/**
 * An endpoint's answer under a fixed key: from the store, or asked for and stored before anything is made of it. What an endpoint
 * says twice may differ, so the first answer that was stored is the one that counts, for every attempt. What was asked is stored with it;
 * the parameters that were sent are settings of its lineage, since an endpoint may refuse some.
 */
export async function storedAnswer(
  store: ArtifactStore,
  key: string,
  lineage: Manifest['lineage'],
  endpoint: TextEndpoint,
  request: EndpointRequest,
  signal: AbortSignal,
): Promise<StoredAnswer> {
  const known = await endpointAnswerDocument.find(store, key);
  if (known !== null) return { ...(await readAnswer(store, known)), generatedTokens: 0 };
  const { text, isCutOff, sent, generatedTokens } = await endpoint.ask(request, signal);
  const published = await endpointAnswerDocument.publish(store, key, {
    files: { [endpointAnswerFile.name]: await endpointAnswerFile.put(store, { prompt: request.prompt, text, isCutOff }) },
    lineage: { ...lineage, settings: { ...lineage.settings, sent } },
  });
  return { ...(await readAnswer(store, published)), generatedTokens };
}

async function readAnswer(store: ArtifactStore, from: KeyedManifest): Promise<Pick<EndpointAnswer, 'text' | 'isCutOff'>> {
  const { text, isCutOff } = await endpointAnswerFile.read(store, from);
  return { text, isCutOff };
}

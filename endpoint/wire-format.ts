/**
 * What is asked, in OpenAI's wire format as far as every compatible server speaks it: one prompt, not streamed.
 * Source: OpenAI API reference, "Chat completions" and "Completions".
 */
import type { EndpointProtocol, EndpointRequest, EndpointSettings, SentParameters } from '../campaign/endpoint';
import { describedError, fieldsOf, parsedJson } from './server-message';

const PATHS: Readonly<Record<EndpointProtocol, string>> = { chat: 'chat/completions', completions: 'completions' };

/** The address with the protocol's path before its query. */
export function requestUrl({ url, protocol }: Pick<EndpointSettings, 'url' | 'protocol'>): string {
  const [base = '', query] = url.split('?');
  return `${base.replace(/\/+$/, '')}/${PATHS[protocol]}${query === undefined ? '' : `?${query}`}`;
}

/** How an endpoint wants to be asked, as far as it differs from what compatible servers agree on. */
export interface Dialect {
  /** Newer models of OpenAI refuse the first. */
  readonly tokenLimit: 'max_tokens' | 'max_completion_tokens';
  readonly takesTemperature: boolean;
}

export const COMMON_DIALECT: Dialect = { tokenLimit: 'max_tokens', takesTemperature: true };

/** Whether an answer at the endpoint's own temperature, which is 1, is what was asked for, or nobody chose another. */
export function mayLoseTemperature({ temperature, temperatureField }: EndpointRequest): boolean {
  return temperature === 1 || temperatureField === undefined;
}

/** `top_p` and `seed` only where they say something, since some servers refuse what they do not know. */
export function parametersOf(request: EndpointRequest, { tokenLimit, takesTemperature }: Dialect): SentParameters {
  const { maxNewTokens, temperature, topP = 1, seed } = request;
  return {
    [tokenLimit]: maxNewTokens,
    ...(takesTemperature || !mayLoseTemperature(request) ? { temperature } : {}),
    ...(topP === 1 ? {} : { top_p: topP }),
    ...(seed === undefined ? {} : { seed }),
  };
}

export function requestBody({ model, protocol }: Pick<EndpointSettings, 'model' | 'protocol'>, prompt: string, parameters: SentParameters): string {
  return JSON.stringify({ model, ...(protocol === 'chat' ? { messages: [{ role: 'user', content: prompt }] } : { prompt }), ...parameters });
}

export type RefusedParameter = 'max_tokens' | 'temperature';

/**
 * Which of the parameters that were sent an error's body refuses, where there is another way to ask; null for any other error. Gateways hand on the
 * message but not always `param` and `code`.
 */
export function refusedParameter(body: string, sent: SentParameters): RefusedParameter | null {
  const json = parsedJson(body);
  const { error } = fieldsOf(json);
  const { param, code } = { ...fieldsOf(json), ...fieldsOf(error) };
  const message = describedError(json);
  const isLimitRefused = (param === 'max_tokens' && code === 'unsupported_parameter') || message.includes('max_completion_tokens');
  if (sent.max_tokens !== undefined && isLimitRefused) return 'max_tokens';
  const isTemperatureRefused = param === 'temperature' || /\btemperature\b/.test(message);
  return sent.temperature !== undefined && isTemperatureRefused ? 'temperature' : null;
}

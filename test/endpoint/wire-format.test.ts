import { COMMON_DIALECT, parametersOf, refusedParameter, requestUrl } from '../../endpoint/wire-format';

test.each([
  ['https://host/v1', 'chat', 'https://host/v1/chat/completions'],
  ['https://host/v1//', 'completions', 'https://host/v1/completions'],
  ['http://host:8000', 'chat', 'http://host:8000/chat/completions'],
  ['https://a.azure.com/openai/deployments/d/?api-version=2024-10-21', 'chat', 'https://a.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21'],
] as const)('%s, asked by %s', (url, protocol, expected) => {
  expect(requestUrl({ url, protocol })).toBe(expected);
});

const LIMIT = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.";
const TEMPERATURE = "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.";

test.each([
  ['max_tokens', { error: { message: LIMIT, type: 'invalid_request_error', param: 'max_tokens', code: 'unsupported_parameter' } }],
  ['max_tokens', { error: { message: LIMIT, code: 'invalid_request_body' } }],
  ['max_tokens', { error: { message: `litellm.BadRequestError: OpenAIException - ${LIMIT}`, param: null } }],
  ['temperature', { error: { message: TEMPERATURE, type: 'invalid_request_error', param: 'temperature', code: 'unsupported_value' } }],
  ['temperature', { error: { message: "Unsupported parameter: 'temperature' is not supported with this model.", param: 'temperature', code: 'unsupported_parameter' } }],
  ['temperature', { error: 'Input validation error: `temperature` must be strictly positive', error_type: 'validation' }],
  ['temperature', { detail: [{ loc: ['body', 'temperature'], msg: 'Extra inputs are not permitted' }] }],
  [null, { error: { message: 'max_tokens is too large: 2048', param: 'max_tokens', code: 'invalid_value' } }],
  [null, { error: { message: "Unsupported parameter: 'top_p' is not supported with this model.", param: 'top_p', code: 'unsupported_parameter' } }],
  [null, {}],
])('the refused parameter is %s, of %j', (parameter, body) => {
  expect(refusedParameter(JSON.stringify(body), { max_tokens: 16, temperature: 0 })).toBe(parameter);
});

test('what was not sent is not what is refused', () => {
  expect(refusedParameter(JSON.stringify({ error: { message: LIMIT } }), { max_completion_tokens: 16, temperature: 0 })).toBeNull();
  expect(refusedParameter(JSON.stringify({ error: { message: TEMPERATURE } }), { max_completion_tokens: 16 })).toBeNull();
});

test.each([
  ['nobody chose', { temperature: 0 }, {}],
  ['is the default', { temperature: 1, temperatureField: 'proposals.temperature' }, {}],
  ['the campaign chose', { temperature: 0.7, temperatureField: 'proposals.temperature' }, { temperature: 0.7 }],
])('of an endpoint that takes none, a temperature that %s', (_, request, expected) => {
  expect(parametersOf({ prompt: '', maxNewTokens: 4, ...request }, { ...COMMON_DIALECT, takesTemperature: false })).toEqual({ max_tokens: 4, ...expected });
});

import { type EndpointRequest, endpointSettingsSchema, type TextEndpoint } from '../../campaign/endpoint';
import { BadInputError } from '../../campaign/errors';
import { Endpoints } from '../../endpoint/endpoints';
import { type Behaviour, chat, json, MisbehavingServer } from './misbehaving-server';

const signal = new AbortController().signal;

let server: MisbehavingServer;
beforeAll(async () => {
  server = await MisbehavingServer.start();
});
afterAll(() => server.stop());

const unsupported = (param: string, code: string, message: string): Behaviour => json(400, { error: { message, type: 'invalid_request_error', param, code } });

/** As the newer models of OpenAI: one complaint at a time. */
const newer: Behaviour = (response, request) => {
  const { body } = request;
  const behaviour =
    'max_tokens' in body
      ? unsupported('max_tokens', 'unsupported_parameter', "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.")
      : 'temperature' in body && body['temperature'] !== 1
        ? unsupported('temperature', 'unsupported_value', `Unsupported value: 'temperature' does not support ${String(body['temperature'])} with this model.`)
        : chat('Yes');
  behaviour(response, request);
};

function open(): TextEndpoint {
  // Whoever waits or tries again without a reason runs into the limit of retries, which is none.
  return new Endpoints({}).open('reward.judge', endpointSettingsSchema.parse({ url: server.url, model: 'm', retries: 0, concurrency: 3 }));
}

const asked = (): unknown[] => server.requests.map(({ body: { model: _, messages: __, ...parameters } }) => parameters);
const VERDICT: EndpointRequest = { prompt: 'Yes?', maxNewTokens: 16, temperature: 0 };

test('an endpoint that refuses max_tokens and temperature 0 is asked without them, at first and ever after', async () => {
  server.behave([], newer);
  const endpoint = open();
  expect(await endpoint.ask(VERDICT, signal)).toMatchObject({ text: 'Yes', sent: { max_completion_tokens: 16 } });
  expect((await endpoint.ask(VERDICT, signal)).sent).toEqual({ max_completion_tokens: 16 });
  expect(asked()).toEqual([{ max_tokens: 16, temperature: 0 }, { max_completion_tokens: 16, temperature: 0 }, { max_completion_tokens: 16 }, { max_completion_tokens: 16 }]);
});

test('only what is refused is left out', async () => {
  server.behave([], (response, request) => ('max_tokens' in request.body ? newer : chat('Yes'))(response, request));
  expect((await open().ask(VERDICT, signal)).sent).toEqual({ max_completion_tokens: 16, temperature: 0 });
  server.behave([], (response, request) => (request.body['temperature'] === 0 ? json(422, { error: '`temperature` must be strictly positive' }) : chat('Yes'))(response, request));
  expect((await open().ask(VERDICT, signal)).sent).toEqual({ max_tokens: 16 });
});

test('requests that are refused together all find their way', async () => {
  server.behave([], (response, request) => setTimeout(() => newer(response, request), 20));
  const endpoint = open();
  const answers = await Promise.all(Array.from({ length: 5 }, () => endpoint.ask(VERDICT, signal)));
  expect(answers.map(({ sent }) => sent)).toEqual(Array.from({ length: 5 }, () => ({ max_completion_tokens: 16 })));
});

test("a campaign's own temperature is never lost: a clear line names its field", async () => {
  server.behave([], newer);
  const endpoint = open();
  // Others have learnt that it takes none.
  await endpoint.ask(VERDICT, signal);
  const selfEdit = { prompt: 'Facts.', maxNewTokens: 99, temperatureField: 'proposals.temperature' };
  const refused = endpoint.ask({ ...selfEdit, temperature: 0.7 }, signal);
  await expect(refused).rejects.toBeInstanceOf(BadInputError);
  await expect(refused).rejects.toThrow(
    `proposals.temperature: expected a temperature that m at ${server.url}/chat/completions takes, as most likely 1, got 0.7, refused with 400 Bad Request: Unsupported value: 'temperature' does not support 0.7 with this model.`,
  );
  // 1 is what such an endpoint has by itself.
  expect((await endpoint.ask({ ...selfEdit, temperature: 1 }, signal)).sent).toEqual({ max_completion_tokens: 99 });
});

test('an endpoint that refuses the other name too is asked twice, not for ever', async () => {
  server.behave([], json(400, { error: { message: 'Neither max_tokens nor max_completion_tokens is known here' } }));
  await expect(open().ask(VERDICT, signal)).rejects.toThrow('got 400 Bad Request: Neither max_tokens nor max_completion_tokens is known here');
  expect(server.requests).toHaveLength(2);
});

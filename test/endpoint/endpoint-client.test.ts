import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type EndpointRequest, type EndpointSettings, endpointSettingsSchema } from '../../campaign/endpoint';
import { BadInputError, ComputeCancelledError, EndpointFailedError } from '../../campaign/errors';
import { DEFAULT_ENDPOINT_BOUNDS, type EndpointBounds } from '../../endpoint/endpoint-client';
import { Endpoints } from '../../endpoint/endpoints';
import { chat, choice, cutBody, cutStream, endless, json, MisbehavingServer, refusal, silence, stall, UNUSABLE } from './misbehaving-server';

const KEY = 'sk-test-0123456789abcdef';
const REQUEST = { prompt: 'Notes, please.', maxNewTokens: 20, temperature: 0.7, topP: 0.9, seed: 5 };

let server: MisbehavingServer;
beforeAll(async () => {
  server = await MisbehavingServer.start();
});
afterAll(() => server.stop());

/** Time passes at once, every wait is remembered, and an answer has at most 1 MiB. */
function fastBounds(): EndpointBounds & { readonly waits: number[] } {
  const waits: number[] = [];
  let nowMs = Date.parse('2026-11-22T12:00:00Z');
  const sleep = (ms: number): Promise<void> => {
    waits.push(ms);
    nowMs += ms;
    return Promise.resolve();
  };
  return { ...DEFAULT_ENDPOINT_BOUNDS, maximumBodyBytes: 2 ** 20, waits, nowMs: () => nowMs, sleep };
}

function open(settings: Partial<EndpointSettings> = {}, bounds: EndpointBounds = fastBounds()) {
  const endpoints = new Endpoints({ TEST_API_KEY: KEY }, bounds);
  const parsed = endpointSettingsSchema.parse({ url: server.url, model: 'm', apiKeyVariable: 'TEST_API_KEY', ...settings });
  const endpoint = endpoints.open('proposals.endpoint', parsed);
  return { ask: (request: EndpointRequest = REQUEST, signal = new AbortController().signal) => endpoint.ask(request, signal) };
}

/** What was thrown. */
async function failure(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => Promise.reject(new Error('expected a failure')),
    (error: unknown) => error as Error,
  );
}

describe('an answer', () => {
  test('of a chat endpoint', async () => {
    server.behave([], chat('One.\nTwo.'));
    const sent = { max_tokens: 20, temperature: 0.7, top_p: 0.9, seed: 5 };
    expect(await open().ask()).toEqual({ text: 'One.\nTwo.', generatedTokens: 3, isCutOff: false, sent });
    expect(server.requests).toEqual([
      {
        path: '/v1/chat/completions',
        headers: expect.objectContaining({ authorization: `Bearer ${KEY}`, 'content-type': 'application/json' }) as unknown,
        body: { model: 'm', messages: [{ role: 'user', content: 'Notes, please.' }], max_tokens: 20, temperature: 0.7, top_p: 0.9, seed: 5 },
      },
    ]);
  });

  test('of a completions endpoint, without a key where none is named, tokens uncounted where nobody counts', async () => {
    server.behave([], json(200, { choices: [{ text: ' on' }, { text: 'another' }] }));
    const { protocol, url, model } = { protocol: 'completions', url: `${server.url}/`, model: 'm' } as const;
    const endpoint = new Endpoints({}).open('reward.judge', endpointSettingsSchema.parse({ protocol, url, model }));
    const answer = await endpoint.ask({ prompt: 'Go', maxNewTokens: 4, temperature: 0 }, new AbortController().signal);
    expect(answer).toEqual({ text: ' on', generatedTokens: 0, isCutOff: false, sent: { max_tokens: 4, temperature: 0 } });
    const [{ path, headers, body }] = server.requests as [(typeof server.requests)[0]];
    expect(path).toBe('/v1/completions');
    expect(headers).not.toHaveProperty('authorization');
    expect(body).toEqual({ model: 'm', prompt: 'Go', max_tokens: 4, temperature: 0 });
  });

  test('has no reasoning in its text', async () => {
    server.behave([], choice({ content: '<think>\nNo?\n</think>\n\nYes', reasoning_content: 'No?' }));
    expect((await open().ask()).text).toBe('Yes');
  });

  test('that is packed is unpacked', async () => {
    server.behave([], (response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync(JSON.stringify({ choices: [{ message: { content: 'small' } }] })));
    });
    expect((await open().ask()).text).toBe('small');
  });

  test('keeps its letters, whatever the chunks cut through', async () => {
    const bytes = Buffer.from(JSON.stringify({ choices: [{ message: { content: 'é–😀' } }] }));
    server.behave([
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        let at = 0;
        const next = (): void => {
          if (at === bytes.length) response.end();
          else response.write(bytes.subarray(at, (at += 1)), () => setImmediate(next));
        };
        next();
      },
    ]);
    expect((await open().ask()).text).toBe('é–😀');
  });
});

describe('what may pass is asked again', () => {
  test.each([
    ['429 with seconds', [refusal(429, 'slow down', { 'retry-after': '7' })], [7000]],
    ['429 with a date', [refusal(429, 'slow down', { 'retry-after': 'Sun, 22 Nov 2026 12:00:09 GMT' })], [9000]],
    ['429 with a date that is over', [refusal(429, 'slow down', { 'retry-after': 'Sun, 22 Nov 2026 11:00:00 GMT' })], [1000]],
    ['429 with nonsense', [refusal(429, 'slow down', { 'retry-after': 'soon' })], [1000]],
    ['429 without a word', [json(429, '')], [1000]],
    ['500, then fine', [refusal(500, 'oops')], [1000]],
    ['503 with seconds', [json(503, 'busy', { 'retry-after': '2' })], [2000]],
    ['a cut body', [cutBody], [1000]],
    ['a cut stream', [cutStream], [1000]],
    ['no JSON', [json(200, '<html>')], [1000]],
    ['an empty body', [json(200, '')], [1000]],
    ['JSON of another shape', [json(200, { choices: [] })], [1000]],
    ['an error that calls itself a success', [json(200, { error: { message: 'overloaded' } })], [1000]],
    ['four failures in a row: the waits double', [json(500, ''), cutBody, json(502, ''), json(200, '[]')], [1000, 2000, 4000, 8000]],
  ])('%s', async (_, behaviours, waits) => {
    server.behave(behaviours, chat('fine'));
    const bounds = fastBounds();
    expect((await open({}, bounds).ask()).text).toBe('fine');
    expect(bounds.waits).toEqual(waits);
    expect(server.requests).toHaveLength(behaviours.length + 1);
  });

  test.each([
    ['no answer at all', silence],
    ['an answer that stops half-way', stall],
  ])('%s within the time limit', async (_, behaviour) => {
    server.behave([behaviour], chat('fine'));
    // Long enough for the fine answer on a machine that is busy.
    expect((await open({ timeoutSeconds: 1.5 }).ask()).text).toBe('fine');
    expect(server.requests).toHaveLength(2);
  });

  test('a body without end is read to its bound only', async () => {
    server.behave([endless], chat('fine'));
    expect((await open().ask()).text).toBe('fine');
  });

  test('a small body that unpacks without end is read to the same bound', async () => {
    const bomb = gzipSync(Buffer.alloc(2 ** 21, ' '), { level: 1 });
    expect(bomb.byteLength).toBeLessThan(100_000);
    server.behave([
      (response) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
        response.end(bomb);
      },
    ]);
    expect((await open().ask()).text).toBe('fine');
    expect(server.requests).toHaveLength(2);
  });

  test('no wait is longer than a minute', async () => {
    server.behave([], json(500, ''));
    const bounds = fastBounds();
    await failure(open({ retries: 9 }, bounds).ask());
    expect(bounds.waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
  });

  test('one that is told to wait makes the others wait', async () => {
    const bounds = fastBounds();
    const { ask } = open({ concurrency: 1 }, bounds);
    server.behave([refusal(429, 'slow down', { 'retry-after': '5' }), refusal(429, 'slow down', { 'retry-after': '3' })]);
    await Promise.all([ask(), ask()]);
    expect(bounds.waits).toEqual([5000, 3000]);
  });
});

describe('attempts that are used up', () => {
  test.each([
    ['a server that is down', json(500, ''), 'm at URL/chat/completions: no usable answer: 3 attempts, the last: 500 Internal Server Error'],
    ['its own words', refusal(503, 'over\nloaded \u0007'), 'no usable answer: 3 attempts, the last: 503 Service Unavailable: over loaded'],
    ['wrong JSON', json(200, '{"choices": ['), 'no usable answer: 3 attempts, the last: 200 with a body that is not JSON'],
    ['another shape', json(200, { detail: 'no such thing' }), 'the last: 200 with JSON without choices[0].message.content: no such thing'],
    ['a cut body', cutBody, 'the last: 200, cut before its end ('],
    ['slowness', silence, 'the last: no complete answer within 0.15 s'],
    ['a body without end', endless, 'the last: an answer of more than 1048576 bytes'],
  ])('%s: one clear line', async (_, behaviour, line) => {
    server.behave([], behaviour);
    const error = await failure(open({ retries: 2, timeoutSeconds: behaviour === silence ? 0.15 : 30 }).ask());
    expect(error).toBeInstanceOf(EndpointFailedError);
    expect(error.message.replace(server.url, 'URL')).toContain(line);
    expect(error.message).toMatch(/^proposals\.endpoint: [^\n]*$/);
    expect(server.requests).toHaveLength(3);
  });

  test.each(UNUSABLE)('%s is no answer, and says why', async (_, behaviour, said) => {
    server.behave([], behaviour);
    const error = await failure(open({ retries: 1 }).ask({ ...REQUEST, limitField: 'proposals.maxNewTokens' }));
    expect(error).toBeInstanceOf(EndpointFailedError);
    expect(error.message).toContain(`: no usable answer: 2 attempts, the last: ${said.replace('LIMIT', '20').replace('FIELD', 'proposals.maxNewTokens')}`);
    expect(server.requests).toHaveLength(2);
  });

  test('a text that its limit cut off is an answer only for who can use it, and is marked', async () => {
    const cut = choice({ content: 'One.\nTw' }, { finish_reason: 'length' });
    server.behave([], cut);
    const error = await failure(open({ retries: 0 }).ask());
    expect(error.message).toContain('200 with a reply that was cut off by its limit of 20 tokens; a model that reasons needs more: raise the limit');
    const isUsableCutOff = jest.fn((text: string) => text.startsWith('One'));
    expect(await open().ask({ ...REQUEST, isUsableCutOff })).toMatchObject({ text: 'One.\nTw', isCutOff: true });
    expect(isUsableCutOff).toHaveBeenCalledWith('One.\nTw');
  });

  test('nobody listens', async () => {
    const other = await MisbehavingServer.start();
    const { url } = other;
    await other.stop();
    const error = await failure(open({ url, retries: 1 }).ask());
    expect(error).toBeInstanceOf(EndpointFailedError);
    expect(error.message).toBe(`proposals.endpoint: m at ${url}/chat/completions: no usable answer: 2 attempts, the last: no connection (ECONNREFUSED)`);
  });

  test('a Retry-After beyond all patience ends it at once', async () => {
    server.behave([], refusal(429, 'quota', { 'retry-after': '86400' }));
    const error = await failure(open().ask());
    expect(error).toBeInstanceOf(EndpointFailedError);
    expect(error.message).toContain('429 Too Many Requests: quota; asks to be left alone for 86400 s');
    expect(server.requests).toHaveLength(1);
  });
});

describe('what no repetition helps is asked once', () => {
  test.each([
    [400, refusal(400, 'max_tokens is too large'), '400 Bad Request: max_tokens is too large'],
    [401, refusal(401, `Incorrect API key provided: ${KEY.slice(0, 8)}***`), '401 Unauthorized: the key is missing, wrong or not allowed to use this model'],
    [403, refusal(403, 'no'), '403 Forbidden: the key is missing, wrong or not allowed to use this model'],
    [404, refusal(404, 'The model m does not exist'), '404 Not Found: The model m does not exist'],
    [404, json(404, '<html>lost</html>'), '404 Not Found: lost'],
    [404, json(404, { detail: [{ loc: ['body', 'model'], msg: 'not served' }] }), '404 Not Found: body.model: not served'],
    [422, cutBodyOf(422), '422 Unprocessable Entity'],
    [307, json(307, '', { location: 'https://elsewhere.test/' }), '307 Temporary Redirect, a redirection to https://elsewhere.test/'],
  ])('%i', async (_, behaviour, got) => {
    server.behave([], behaviour);
    const error = await failure(open().ask());
    expect(error).toBeInstanceOf(BadInputError);
    expect(error.message).toBe(`proposals.endpoint: m at ${server.url}/chat/completions: expected an answer, got ${got}`);
    expect(server.requests).toHaveLength(1);
  });

  function cutBodyOf(status: number) {
    return (response: Parameters<typeof cutBody>[0]): void => {
      response.writeHead(status, { 'content-length': '1000' });
      response.write('{"error', () => response.destroy());
    };
  }
});

describe('the key', () => {
  test.each([
    ['missing', {}, 'proposals.endpoint.apiKeyVariable: expected a key in the environment variable TEST_API_KEY of the worker, got nothing'],
    ['blank', { TEST_API_KEY: ' \n' }, 'a key in the environment variable TEST_API_KEY of the worker, got nothing'],
    ['no header could carry', { TEST_API_KEY: 'two words' }, 'expected printable characters without spaces in TEST_API_KEY, got others'],
  ])('%s: refused before anything is asked', (_, environment, line) => {
    const settings = endpointSettingsSchema.parse({ url: server.url, model: 'm', apiKeyVariable: 'TEST_API_KEY' });
    const opening = (): unknown => new Endpoints(environment).open('proposals.endpoint', settings);
    expect(opening).toThrow(BadInputError);
    expect(opening).toThrow(line);
  });

  test('with a line end around it, as files have, is sent without', async () => {
    server.behave([]);
    const settings = endpointSettingsSchema.parse({ url: server.url, model: 'm', apiKeyVariable: 'API_KEY' });
    await new Endpoints({ API_KEY: `${KEY}\n` }).open('e', settings).ask(REQUEST, new AbortController().signal);
    expect(server.requests[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  test('is in no error and no answer, even where the server repeats the request', async () => {
    for (const behaviour of [refusal(400, `bad header Bearer ${KEY}`), refusal(500, KEY), json(307, '', { location: `https://x/?k=${KEY}` }), json(200, { error: KEY })]) {
      server.behave([], behaviour);
      const error = await failure(open({ retries: 1 }).ask());
      expect(`${error.message} ${error.stack ?? ''} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain(KEY);
      expect(error.message).toContain('[key]');
    }
    // Not by half either, where a long message is cut short.
    server.behave([], refusal(400, `${'x'.repeat(190)}${KEY}`));
    expect((await failure(open().ask())).message).toContain(`${'x'.repeat(190)}[key]`);
    server.behave([], chat(({ headers }) => `You sent ${headers.authorization}`));
    expect((await open().ask()).text).toBe('You sent Bearer [key]');
  });

  test('goes to Azure in the header that its keys have', async () => {
    server.behave([], chat(({ headers }) => String(headers['api-key'])));
    expect((await open({ url: `${server.url}/openai/deployments/d?api-version=2024-10-21` }).ask()).text).toBe('[key]');
    expect(server.requests[0]?.path).toBe('/v1/openai/deployments/d/chat/completions?api-version=2024-10-21');
    expect(server.requests[0]?.headers).not.toHaveProperty('authorization');
  });

  test('is not in what an object of ours prints as', () => {
    const settings = endpointSettingsSchema.parse({ url: server.url, model: 'm', apiKeyVariable: 'API_KEY' });
    const endpoint = new Endpoints({ API_KEY: KEY }).open('e', settings);
    expect(inspect(endpoint, { depth: 9, showHidden: true }) + JSON.stringify(endpoint)).not.toContain(KEY);
  });
});

describe('concurrency', () => {
  test('is bounded, shared by all who open the same endpoint, and used', async () => {
    server.behave([], (response, request) => setTimeout(() => chat('fine')(response, request), 20));
    const endpoints = new Endpoints({});
    const settings = endpointSettingsSchema.parse({ url: server.url, model: 'm', concurrency: 3 });
    const signal = new AbortController().signal;
    await Promise.all(Array.from({ length: 12 }, () => endpoints.open('e', { ...settings }).ask(REQUEST, signal)));
    expect(server.mostAtOnce).toBe(3);
  });

  test('a cancelled request ends at once, waiting, under way or between attempts', async () => {
    server.behave([], silence);
    const controller = new AbortController();
    const { ask } = open({ concurrency: 1 });
    const running = failure(ask(REQUEST, controller.signal));
    const waiting = failure(ask(REQUEST, controller.signal));
    while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    controller.abort();
    expect(await running).toBeInstanceOf(ComputeCancelledError);
    expect(await waiting).toBeInstanceOf(ComputeCancelledError);
    server.behave([], json(500, ''));
    const between = new AbortController();
    const asleep = failure(open({}, { ...DEFAULT_ENDPOINT_BOUNDS, backOffMs: 60_000 }).ask(REQUEST, between.signal));
    while (server.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    setTimeout(() => between.abort(), 20);
    expect(await asleep).toBeInstanceOf(ComputeCancelledError);
    // Its place is free again.
    server.behave([]);
    expect((await open({ concurrency: 1 }).ask()).text).toBe('fine');
  });
});

describe('settings', () => {
  test.each([
    ['another scheme', { url: 'ftp://host/v1' }],
    ['a password in the address', { url: 'https://me:secret@host/v1' }],
    ['a query', { url: 'https://host/v1?key=1' }],
    ['a query beside the version', { url: 'https://host/v1?api-version=2024-10-21&key=1' }],
    ['a secret in the place of a version', { url: `https://host/v1?api-version=${KEY}` }],
    ['no address', { url: 'host' }],
    ['a key in the place of its variable', { apiKeyVariable: KEY }],
    ['another secret of the environment', { apiKeyVariable: 'AWS_SECRET_ACCESS_KEY' }],
    ['a header of its own', { headers: {} }],
  ])('%s: refused', (_, wrong) => {
    expect(endpointSettingsSchema.safeParse({ url: 'https://host/v1', model: 'm', ...wrong }).success).toBe(false);
  });

  test.each(['2024-10-21', '2025-01-01-preview', 'preview', 'latest', 'v1'])("Azure's version %s is let through", (version) => {
    expect(endpointSettingsSchema.safeParse({ url: `https://host/openai/v1?api-version=${version}`, model: 'm' }).success).toBe(true);
  });
});

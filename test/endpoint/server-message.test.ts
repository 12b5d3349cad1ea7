import { serverMessage, shortLine } from '../../endpoint/server-message';

test.each([
  ["OpenAI's", '{"error": {"message": "no such model", "type": "invalid_request_error", "code": 7}}', 'no such model'],
  ["Ollama's", '{"error": "model not found"}', 'model not found'],
  ["vLLM's of old", '{"object": "error", "message": "too long", "type": "BadRequestError", "code": 400}', 'too long'],
  ["API Management's", '{"statusCode": 401, "message": "no subscription"}', 'no subscription'],
  ["Fastify's", '{"statusCode": 404, "error": "Not Found", "message": "Route POST:/x"}', 'Not Found: Route POST:/x'],
  ["FastAPI's", '{"detail": "Not Found"}', 'Not Found'],
  ["FastAPI's list", '{"detail": [{"type": "missing", "loc": ["body", "model"], "msg": "Field required"}, {"loc": ["body", "n", 0], "msg": "not a number"}]}', 'body.model: Field required; body.n.0: not a number'],
  ["Mistral's", '{"object": "error", "message": {"detail": [{"loc": ["body", "seed"], "msg": "Extra inputs"}]}}', 'body.seed: Extra inputs'],
  ["Gemini's", '[{"error": {"code": 400, "message": "bad request"}}]', 'bad request'],
  ['a code alone', '{"error": {"code": "overloaded", "type": "server_error"}}', 'overloaded server_error'],
  ["a problem's (RFC 9457)", '{"type": "about:blank", "title": "Out of credit", "detail": "Balance is 30", "status": 403}', 'Balance is 30'],
  ["a proxy's page", '<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>nginx</body></html>', '502 Bad Gateway'],
  ['a page without a title', '<!DOCTYPE html><style>p { color: red }</style><!-- > --><p>Try&nbsp;again &amp; <b>later</b></p>', 'Try again & later'],
  ['plain text', 'upstream connect error\n', 'upstream connect error'],
])('%s error', (_, body, expected) => {
  expect(shortLine(serverMessage(body) ?? '')).toBe(expected);
});

test.each(['', ' \n', '{}', '[]', '7', 'null', '{"error": null}', '<html></html>', '['.repeat(100_000) + ']'.repeat(100_000)])('nothing is said: %.40s', (body) => {
  expect(serverMessage(body)).toBeNull();
});

test('a message is one short line', () => {
  expect(shortLine('over\n\nloaded \u0007\u202e now ')).toBe('over loaded now');
  expect(shortLine('x'.repeat(201))).toBe(`${'x'.repeat(197)}...`);
});

test.each(['<', '<!--', '<script>', '<title>', '&'])('a page of %s repeated without end takes no time', (piece) => {
  const startedMs = performance.now();
  serverMessage(`<p>${piece.repeat(64 * 1024)}`);
  expect(performance.now() - startedMs).toBeLessThan(2000);
});

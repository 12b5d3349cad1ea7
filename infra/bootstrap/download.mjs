import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** Without a first byte by then, or without a further one for that long, the next way is taken. */
const SILENCE_MS = 20_000;

/**
 * Downloads a file whose content is known by its hash.
 * @param {string} url
 * @param {string} file where to; left incomplete on failure, so name a temporary one
 * @param {string} sha256 hex
 * @throws Error if it cannot be had whole or is not what it should be
 */
export async function download(url, file, sha256) {
  const silence = new AbortController();
  const giveUp = () => silence.abort(new Error(`nothing came for ${SILENCE_MS / 1000} s`));
  let timer = setTimeout(giveUp, SILENCE_MS);
  const hash = createHash('sha256');
  try {
    const response = await fetch(url, { signal: silence.signal });
    if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`);
    await pipeline(
      Readable.fromWeb(response.body),
      async function* (chunks) {
        for await (const chunk of chunks) {
          clearTimeout(timer);
          timer = setTimeout(giveUp, SILENCE_MS);
          hash.update(chunk);
          yield chunk;
        }
      },
      createWriteStream(file),
      { signal: silence.signal },
    );
  } catch (error) {
    const cause = silence.signal.aborted ? silence.signal.reason : (error.cause ?? error);
    throw new Error(`${url}: ${cause.message}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
  const got = hash.digest('hex');
  if (got !== sha256) throw new Error(`${url}: expected SHA-256 ${sha256}, got ${got}`);
}

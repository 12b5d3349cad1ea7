import { BadInputError } from '../campaign/errors';

const MAX_KEY_BYTES = 1024;
/** A segment becomes a file name in a POSIX-backed server. */
const MAX_SEGMENT_BYTES = 255;

/**
 * Refuses keys that some S3 server could not hold as they are: empty or dot segments, control characters, too long ones.
 * @throws BadInputError
 */
export function checkKey(key: string): void {
  const fail = (expected: string): never => {
    throw new BadInputError({ where: 'artifact key', expected, got: JSON.stringify(key) });
  };
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) fail(`at most ${MAX_KEY_BYTES} bytes`);
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  if (/[\u0000-\u001f\u007f\\]/.test(key)) fail('no control characters and no backslash');
  for (const segment of key.split('/')) {
    if (segment === '' || segment === '.' || segment === '..') fail('segments other than "", "." and ".."');
    if (Buffer.byteLength(segment) > MAX_SEGMENT_BYTES) fail(`segments of at most ${MAX_SEGMENT_BYTES} bytes`);
  }
}

/** What takes time is said before it starts, on standard error: standard output belongs to results. */
export function say(line) {
  process.stderr.write(`seal: ${line}\n`);
}

/** `1 min 5 s` */
export function inWords(milliseconds) {
  const seconds = Math.round(milliseconds / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * Says what is done, that it is still being done every half minute, and how long it took.
 * @template T
 * @param {string} what as in "installing dependencies"
 * @param {() => Promise<T>} work
 * @param {string} [expected] how long it usually takes
 * @returns {Promise<T>}
 */
export async function narrated(what, work, expected) {
  const started = performance.now();
  say(`${what}${expected === undefined ? '' : ` (${expected})`}`);
  const ticker = setInterval(() => say(`still ${what}, ${inWords(performance.now() - started)} so far`), 30_000);
  try {
    const result = await work();
    say(`done ${what} in ${inWords(performance.now() - started)}`);
    return result;
  } finally {
    clearInterval(ticker);
  }
}

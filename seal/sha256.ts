/**
 * SHA-256 (FIPS 180-4) of a text's UTF-8 bytes, without Node built-ins, so that workflows can name contexts and
 * derive seeds.
 */
const ROUND_CONSTANTS = fractionalBitsOfRoots(64, Math.cbrt);
const INITIAL_STATE = fractionalBitsOfRoots(8, Math.sqrt);

/** The eight 32-bit words of SHA-256(utf8(text)). */
export function sha256Words(text: string): Uint32Array {
  const blocks = paddedBlocks(new TextEncoder().encode(text));
  const state = Uint32Array.from(INITIAL_STATE);
  const schedule = new Uint32Array(64);
  for (let offset = 0; offset < blocks.byteLength; offset += 64) {
    for (let i = 0; i < 16; i += 1) schedule[i] = blocks.getUint32(offset + 4 * i);
    compress(state, schedule);
  }
  return state;
}

/** SHA-256(utf8(text)) as 64 lower-case hex digits. */
export function sha256Hex(text: string): string {
  return Array.from(sha256Words(text), (word) => word.toString(16).padStart(8, '0')).join('');
}

/** message, 0x80, zeros, its length in bits as 64 bits: a multiple of 64 bytes. */
function paddedBlocks(message: Uint8Array): DataView {
  const padded = new Uint8Array(Math.ceil((message.length + 9) / 64) * 64);
  padded.set(message);
  padded[message.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(message.length / 2 ** 29));
  view.setUint32(padded.length - 4, message.length << 3);
  return view;
}

/** One block into the state; `schedule` holds the block in its first 16 words. */
function compress(state: Uint32Array, schedule: Uint32Array): void {
  const w = (i: number): number => schedule[i]!;
  for (let i = 16; i < 64; i += 1) {
    const s0 = rotate(w(i - 15), 7) ^ rotate(w(i - 15), 18) ^ (w(i - 15) >>> 3);
    const s1 = rotate(w(i - 2), 17) ^ rotate(w(i - 2), 19) ^ (w(i - 2) >>> 10);
    schedule[i] = w(i - 16) + s0 + w(i - 7) + s1;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i += 1) {
    const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const temp1 = (h + sum1 + ((e & f) ^ (~e & g)) + ROUND_CONSTANTS[i]! + w(i)) | 0;
    const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const temp2 = (sum0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + temp1) | 0, c, b, a, (temp1 + temp2) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] = state[i]! + word));
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** The first 32 fractional bits of root(p) for the first `count` primes. */
function fractionalBitsOfRoots(count: number, root: (value: number) => number): Uint32Array {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n += 1) if (primes.every((p) => n % p !== 0)) primes.push(n);
  return Uint32Array.from(primes, (prime) => Math.floor((root(prime) % 1) * 2 ** 32));
}

/** SHA-256 of a text's UTF-8 bytes, without Node built-ins, so that workflows can name contexts and derive seeds. */
import { sha256 } from '@noble/hashes/sha256';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils';

/** The eight 32-bit words of SHA-256(utf8(text)). */
export function sha256Words(text: string): Uint32Array {
  const digest = new DataView(sha256(utf8ToBytes(text)).buffer);
  return Uint32Array.from({ length: 8 }, (_, i) => digest.getUint32(4 * i));
}

/** SHA-256(utf8(text)) as 64 lower-case hex digits. */
export function sha256Hex(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}

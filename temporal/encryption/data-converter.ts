import type { DataConverter } from '@temporalio/common';
import { environment } from '../../settings/environment';
import { EncryptionCodec } from './encryption-codec';
import { readKeys } from './key-source';

/**
 * How every client, worker and replay of ours reads and writes payloads: encrypted where `SEAL_CODEC_KEYS` names keys, failures included. Without keys
 * payloads are plain, and an encrypted one is an error that says which key is missing.
 *
 * @throws BadInputError for keys that cannot be used
 */
export function dataConverter(env: NodeJS.ProcessEnv = environment()): DataConverter & { readonly payloadCodecs: [EncryptionCodec] } {
  const keys = readKeys(env);
  return {
    payloadCodecs: [new EncryptionCodec(keys, () => readKeys(env))],
    // Left out without keys: the message of a failure would be harder to read in the web UI, for nothing.
    ...(keys.active === null ? {} : { failureConverterPath: require.resolve('./failure-converter') }),
  };
}

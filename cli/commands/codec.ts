import { readFileSync } from 'node:fs';
import { type Command } from 'commander';
import { dataConverter } from '../../temporal/encryption/data-converter';
import { serveCodec } from '../../temporal/encryption/codec-server';
import { activateKey, addKey, type KeyFileSummary } from '../../temporal/encryption/key-file';
import { readKeys, readSecret } from '../../temporal/encryption/key-source';
import { NAMESPACE } from '../../campaign/campaign';
import { BadInputError } from '../../campaign/errors';
import { codecToken } from '../../settings/codec';
import { sealHome } from '../../settings/home';
import { readStackFile } from '../../settings/stack-file';
import { namedNamespace } from '../../settings/temporal';
import { newCommand, runWith, withInterrupt, type CommonFlags } from '../command';
import { writableFile } from '../directories';
import { nonEmpty, wholeNumber } from '../flags';

/** Where Temporal's own examples have theirs. */
const DEFAULT_PORT = 8081;

/** `seal codec`: keys of encrypted payloads, and the server that shows them to who has the keys. */
export function codecCommand(): Command {
  const parts = [newKeyCommand(), activateCommand(), serveCommand()];
  const command = newCommand('codec', 'keys of encrypted payloads, and a server that decrypts them for the web UI and the temporal program').argument('[command]');
  for (const part of parts) command.addCommand(part);
  return runWith(command, (_flags, _output, [got]) => {
    const expected = `one of ${parts.map((part) => part.name()).join(', ')}`;
    throw new BadInputError({ where: 'codec', expected, got: got === undefined ? 'none (see seal codec --help)' : JSON.stringify(got) });
  });
}

interface NewKeyFlags extends CommonFlags {
  readonly id?: string;
  readonly inactive?: true;
}

function newKeyCommand(): Command {
  const command = newCommand('new-key', 'add a random key to a file of keys (made if need be), and write with it from now on')
    .argument('<keys.json>', 'file of keys, readable by its owner only')
    .option('--id <id>', 'its name (default: the time)', nonEmpty('--id', 'a name'))
    .option('--inactive', 'only read with it: for the first half of a rotation');
  return runWith<NewKeyFlags>(command, (flags, output, [file = '']) => {
    writableFile('keys', file);
    const id = flags.id ?? `key-${new Date().toISOString().replace(/[-:]/g, '').slice(0, 15)}`;
    const summary = addKey(file, id, flags.inactive !== true);
    output.result({ id, ...summary }, () => `added ${id}; ${inWords(summary)}`);
  });
}

function activateCommand(): Command {
  const command = newCommand('activate', 'write with another key of the file from now on')
    .argument('<keys.json>', 'file of keys')
    .requiredOption('--id <id>', 'its name', nonEmpty('--id', 'a name'));
  return runWith<CommonFlags & { readonly id: string }>(command, ({ id }, output, [file = '']) => {
    const summary = activateKey(file, id);
    output.result(summary, () => inWords(summary));
  });
}

function inWords({ file, active, keys }: KeyFileSummary): string {
  return `${file} writes with ${active} and reads ${keys.join(', ')}; workers learn which to write with when they start`;
}

interface ServeFlags extends CommonFlags {
  readonly host: string;
  readonly port: number;
  readonly origin?: readonly string[];
  readonly namespace?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
}

function serveCommand(): Command {
  const command = newCommand('serve', "Temporal's remote codec over the keys of SEAL_CODEC_KEYS; SEAL_CODEC_TOKEN is what callers must have")
    .option('--host <address>', 'where it listens', nonEmpty('--host', 'an address'), '127.0.0.1')
    .option('--port <n>', 'its port; 0: any free one', wholeNumber('--port', 0, 65_535), DEFAULT_PORT)
    .option('--origin <url...>', 'web UIs that may ask (default: that of "seal up")')
    .option('--namespace <name>', 'whose payloads (default: TEMPORAL_NAMESPACE, else that of "seal up")', nonEmpty('--namespace', 'a namespace'))
    .option('--tls-cert <file>', 'certificate in PEM: https', nonEmpty('--tls-cert', 'a file'))
    .option('--tls-key <file>', 'its key', nonEmpty('--tls-key', 'a file'));
  return runWith<ServeFlags>(command, async (flags, output) => {
    const { active, where } = readKeys();
    if (active === null) throw new BadInputError({ where, expected: 'keys to serve with (seal codec new-key makes them)', got: 'none' });
    const stack = readStackFile(sealHome())?.temporal;
    const origins = (flags.origin ?? (typeof stack?.uiUrl === 'string' ? [stack.uiUrl] : [])).map(originOf);
    const [codec] = dataConverter().payloadCodecs;
    const server = await serveCodec({
      ...{ codec, host: flags.host, port: flags.port, origins, ...tlsOf(flags) },
      token: codecToken(),
      namespace: flags.namespace ?? namedNamespace() ?? stack?.namespace ?? NAMESPACE,
    });
    output.result({ url: server.url, origins }, () => `${server.url}, for ${origins.length === 0 ? 'no web UI' : origins.join(', ')} and the temporal program (--codec-endpoint)`);
    await withInterrupt('the codec server has ended', (signal) => new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())));
    await server.close();
  });
}

function originOf(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return new URL(text).origin;
  throw new BadInputError({ where: '--origin', expected: 'the address of a web UI, as http://127.0.0.1:8233', got: JSON.stringify(text) });
}

function tlsOf({ tlsCert, tlsKey }: ServeFlags): { tls?: { cert: string; key: string } } {
  if (tlsCert === undefined && tlsKey === undefined) return {};
  if (tlsCert === undefined || tlsKey === undefined) throw new BadInputError({ where: '--tls-cert, --tls-key', expected: 'both or neither', got: 'one' });
  try {
    return { tls: { cert: readFileSync(tlsCert, 'utf8'), key: readSecret('--tls-key', tlsKey) } };
  } catch (cause) {
    if (cause instanceof BadInputError) throw cause;
    throw new BadInputError({ where: `--tls-cert ${tlsCert}`, expected: 'a readable file', got: String((cause as NodeJS.ErrnoException).code) }, { cause });
  }
}

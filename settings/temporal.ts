import { NAMESPACE } from '../campaign/campaign';
import { ServerUnreachableError } from '../campaign/errors';
import { environment, variable } from './environment';
import { sealHome } from './home';
import { readStackFile, type StackFile } from './stack-file';
import { type NamedServer, namedServer, type TemporalSecurity } from './temporal-profile';

/** Where Temporal is and how it is spoken to: what every connection of ours is made from. */
export interface TemporalSettings {
  /** host:port */
  readonly address: string;
  readonly namespace: string;
  readonly security: TemporalSecurity;
}

/**
 * The server that the environment names (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_TLS_*`, `TEMPORAL_API_KEY`, or a profile of a TOML file:
 * `TEMPORAL_PROFILE`, `TEMPORAL_CONFIG_FILE`), else the one that `seal up` last used in `$SEAL_HOME`.
 *
 * @throws ServerUnreachableError if neither says where it is; BadInputError naming a variable or file that cannot be used
 */
export function temporalSettings(env: NodeJS.ProcessEnv = environment()): TemporalSettings {
  const home = sealHome(env);
  const stack = readStackFile(home)?.temporal ?? null;
  const named = namedServer(env);
  if (named.address !== null && !isEmbedded(named.address, stack)) return settingsOf({ ...named, address: named.address });
  if (stack === null) {
    throw new ServerUnreachableError(`no Temporal server: TEMPORAL_ADDRESS is not set and nothing runs in ${home}; run "seal up"`);
  }
  const { address } = stack;
  if (!stack.embedded) return settingsOf({ ...named, address, namespace: named.namespace ?? stack.namespace });
  // What secures a server of the user's own, a key above all, is none of the embedded one's business.
  return { address, namespace: (named.address === null ? null : named.namespace) ?? stack.namespace, security: {} };
}

/** The server of the user's own that the environment names, or null: then the embedded one is meant. */
export function ownTemporal(env: NodeJS.ProcessEnv, stack: StackFile | null): TemporalSettings | null {
  const named = namedServer(env);
  if (named.address === null || isEmbedded(named.address, stack?.temporal ?? null)) return null;
  return settingsOf({ ...named, address: named.address });
}

/** A shell that has the embedded server's address in its environment means the embedded server. */
function isEmbedded(address: string, stack: StackFile['temporal'] | null): boolean {
  return stack !== null && stack.embedded && stack.address === address;
}

function settingsOf({ address, namespace, security }: NamedServer & { readonly address: string }): TemporalSettings {
  return { address, namespace: namespace ?? NAMESPACE, security };
}

/** `TEMPORAL_ADDRESS`; null where it is not set. */
export function namedAddress(env: NodeJS.ProcessEnv): string | null {
  return variable(env, 'TEMPORAL_ADDRESS') ?? null;
}

/** `TEMPORAL_NAMESPACE`; null where it is not set. */
export function namedNamespace(env: NodeJS.ProcessEnv = environment()): string | null {
  return variable(env, 'TEMPORAL_NAMESPACE') ?? null;
}

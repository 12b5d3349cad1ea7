import type { EndpointSettings, TextEndpoint } from '../contracts/endpoint';
import { ApiKey } from './api-key';
import { DEFAULT_ENDPOINT_TIMERS, EndpointClient, type EndpointTimers } from './endpoint-client';

/** The endpoints of one process. Who names the same one shares its client, so that its concurrency is kept. */
export class Endpoints {
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #timers: EndpointTimers;
  readonly #clients = new Map<string, EndpointClient>();

  /** @param environment where keys are read, each when its endpoint is first opened */
  constructor(environment: Readonly<Record<string, string | undefined>>, timers: EndpointTimers = DEFAULT_ENDPOINT_TIMERS) {
    this.#environment = environment;
    this.#timers = timers;
  }

  /**
   * @param where the section of the campaign file, for messages
   * @throws BadInputError when its key is not in the environment
   */
  open(where: string, settings: EndpointSettings): TextEndpoint {
    const name = JSON.stringify([where, settings]);
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    const key = ApiKey.from(this.#environment, settings.apiKeyVariable, where);
    const client = new EndpointClient(where, settings, key, this.#timers);
    this.#clients.set(name, client);
    return client;
  }
}

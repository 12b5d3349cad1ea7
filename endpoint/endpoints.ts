import type { EndpointSettings, TextEndpoint } from '../campaign/endpoint';
import { ApiKey } from './api-key';
import { DEFAULT_ENDPOINT_BOUNDS, EndpointClient, type EndpointBounds } from './endpoint-client';

/** The endpoints of one process. Who names the same one shares its client, so that its concurrency is kept. */
export class Endpoints {
  readonly #environment: Readonly<Record<string, string | undefined>>;
  readonly #bounds: EndpointBounds;
  readonly #clients = new Map<string, EndpointClient>();

  /** @param environment where keys are read, each when its endpoint is first opened */
  constructor(environment: Readonly<Record<string, string | undefined>>, bounds: EndpointBounds = DEFAULT_ENDPOINT_BOUNDS) {
    this.#environment = environment;
    this.#bounds = bounds;
  }

  /**
   * @param where the section of the campaign file, for messages
   * @throws MachineUnableError when its key is not in the environment
   */
  open(where: string, settings: EndpointSettings): TextEndpoint {
    const name = JSON.stringify([where, settings]);
    const known = this.#clients.get(name);
    if (known !== undefined) return known;
    const key = ApiKey.from(this.#environment, settings.apiKeyVariable, where);
    const client = new EndpointClient(where, settings, key, this.#bounds);
    this.#clients.set(name, client);
    return client;
  }
}

import { MachineUnableError } from '../campaign/errors';

const PRINTABLE = /^[\x21-\x7e]+$/;
/** A shorter "key" is a word like `none`, given to servers that want one and check none; no text must lose its words to it. */
const SHORTEST_SECRET = 8;

/** A key that can be sent, and that nothing else can be got out of. */
export class ApiKey {
  readonly #key: string | null;

  private constructor(key: string | null) {
    this.#key = key;
  }

  /**
   * Reads the key from its variable; without a variable there is none to send.
   *
   * @param where the setting, for messages
   * @throws MachineUnableError when the variable is not set, or holds what no header can carry; the value is never quoted
   */
  static from(environment: Readonly<Record<string, string | undefined>>, variable: string | undefined, where: string): ApiKey {
    if (variable === undefined) return new ApiKey(null);
    const key = environment[variable]?.trim() ?? '';
    const field = `${where}.apiKeyVariable`;
    if (key === '') {
      throw new MachineUnableError({ where: field, expected: `a key in the environment variable ${variable} of the worker`, got: 'nothing' });
    }
    if (!PRINTABLE.test(key)) {
      throw new MachineUnableError({ where: field, expected: `printable characters without spaces in ${variable}`, got: 'others' });
    }
    return new ApiKey(key);
  }

  /**
   * The header that carries it to `url`. Where the address names an API version, as Azure's does, that is `api-key`: `Authorization` is for
   * tokens of Microsoft Entra there, and a key in it is refused. Source: Azure OpenAI REST API reference, "Authentication".
   */
  headers(url: string): Readonly<Record<string, string>> {
    if (this.#key === null) return {};
    return url.includes('?api-version=') ? { 'api-key': this.#key } : { authorization: `Bearer ${this.#key}` };
  }

  /** Whatever a server says may quote the request. */
  redact(text: string): string {
    if (this.#key === null || this.#key.length < SHORTEST_SECRET) return text;
    return text.replaceAll(this.#key, '[key]');
  }

  /** Keeps the key out of logs that print objects. */
  toJSON(): string {
    return '[key]';
  }
}

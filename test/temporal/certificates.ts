import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A certificate and its key, as files in PEM. */
export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** `describe`, or a skip that names what is missing. */
export const describeWithOpenssl = hasOpenssl() ? describe : describe.skip;

function hasOpenssl(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return false;
  }
}

/** A certificate authority of a test's own. */
export class Authority {
  readonly #directory: string;
  readonly #name: string;
  readonly files: CertificateFiles;

  constructor(directory: string, name: string) {
    this.#directory = directory;
    this.#name = name;
    this.files = this.#paths(name);
    const { certificate, key } = this.files;
    openssl('req', '-x509', ...NEW_KEY, '-keyout', key, '-out', certificate, '-subj', `/CN=${name}`, '-days', '2');
  }

  /** @param days until it expires; below 0: since it has */
  issue(name: string, { days = 2, address = 'IP:127.0.0.1' }: { readonly days?: number; readonly address?: string } = {}): CertificateFiles {
    const { certificate, key } = this.#paths(`${this.#name}-${name}`);
    const [request, extensions] = [`${certificate}.request`, `${certificate}.extensions`];
    openssl('req', ...NEW_KEY, '-keyout', key, '-out', request, '-subj', `/CN=${name}`);
    writeFileSync(extensions, `subjectAltName=${address}\n`);
    const by = ['-CA', this.files.certificate, '-CAkey', this.files.key, '-CAcreateserial'];
    openssl('x509', '-req', '-in', request, ...by, '-days', String(days), '-extfile', extensions, '-out', certificate);
    return { certificate, key };
  }

  #paths(name: string): CertificateFiles {
    return { certificate: join(this.#directory, `${name}.crt`), key: join(this.#directory, `${name}.key`) };
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}

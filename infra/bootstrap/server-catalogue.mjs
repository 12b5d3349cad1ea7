/**
 * The embedded servers: which version, where it is published, what it must hash to, how it is built.
 * Where the checksums come from: docs/adr/0002-embedded-servers.md.
 *
 * @typedef {object} ServerProgram
 * @property {string} name of the executable
 * @property {string} version without `v`
 * @property {string} variable environment variable that names an executable to use instead
 * @property {string} goPackage
 * @property {string} buildTime
 * @property {string} [atLeast] lowest version accepted on PATH
 * @property {(platform: string) => { path: string, member: string, sha256: string } | undefined} release
 *   path below the release host, executable inside the archive, and SHA-256 of the archive
 */

/** `SEAL_RELEASES_URL` names a mirror with the same paths. */
export const RELEASES_URL = 'https://github.com';

/** @type {Record<string, string>} */
const TEMPORAL_SHA256 = {
  'linux-x64': 'ddc95e08b0b076efd4ea9733a3f488eb7d2be875f8834e616cd2a37358b4852d',
  'linux-arm64': 'bd1b0db9f18b051026de8bf6cc1505f2510f14bbb7a8b9a4a91fff46c77454f5',
  'darwin-arm64': 'cca01b7ea35ad56e2a328d9ae596bf716bd22313ef63c7a761c88354457c2415',
  'darwin-x64': 'bbb73e2a31135abe50a1f1cdb35030c42961df618e8ce9c60ae89f201540c5d9',
};

/** @type {Record<string, string>} */
const VERSITYGW_SHA256 = {
  'linux-x64': '2ba2c734d10d2c4e651d03182cb4b246656bc735a2f282db7b0b73fba6073467',
  'linux-arm64': 'b34051d33f5a9c457f790896acb7bd7d7e15ad8d92efb70616b924f37e401910',
  'darwin-arm64': '4953096f65a9c0d62ab184fb6b2ba7c2435229205cf00a56cb62cd4bf6b216ca',
  'darwin-x64': '104bd978e80ef0173554cfd8630ccc5bac24b00da440510b60365a3b6b6ab134',
};

/** @type {Record<'temporal' | 'versitygw', ServerProgram>} */
export const SERVERS = {
  temporal: {
    name: 'temporal',
    version: '1.5.1',
    variable: 'TEMPORAL_CLI',
    // Later tags carry a `replace` directive, which `go install` refuses.
    goPackage: 'github.com/temporalio/cli/cmd/temporal@v1.5.1',
    buildTime: 'about 4 minutes on two cores',
    release(platform) {
      const sha256 = TEMPORAL_SHA256[platform];
      if (sha256 === undefined) return undefined;
      const archive = `temporal_cli_1.5.1_${platform.replace('-x64', '_amd64').replace('-arm64', '_arm64')}.tar.gz`;
      return { path: `temporalio/cli/releases/download/v1.5.1/${archive}`, member: 'temporal', sha256 };
    },
  },
  versitygw: {
    name: 'versitygw',
    version: '1.8.0',
    variable: 'VERSITYGW',
    goPackage: 'github.com/versity/versitygw/cmd/versitygw@v1.8.0',
    buildTime: 'about 2 minutes on two cores',
    // Conditional writes raced before.
    atLeast: '1.8.0',
    release(platform) {
      const sha256 = VERSITYGW_SHA256[platform];
      if (sha256 === undefined) return undefined;
      const system = platform.startsWith('linux') ? 'Linux' : 'Darwin';
      const folder = `versitygw_v1.8.0_${system}_${platform.endsWith('x64') ? 'x86_64' : 'arm64'}`;
      return { path: `versity/versitygw/releases/download/v1.8.0/${folder}.tar.gz`, member: `${folder}/versitygw`, sha256 };
    },
  },
};

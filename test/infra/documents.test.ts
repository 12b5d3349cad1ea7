import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { createProgram } from '../../cli/program';
import { packageRoot } from '../../infra/stack/package-root';

const ROOT = packageRoot();
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8');
const markdownIn = (folder: string): string[] => readdirSync(join(ROOT, folder)).filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
const PAGES = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...markdownIn('docs'), ...markdownIn('docs/adr')];
/** What the product is now; decisions and the log tell of what was. */
const PRESENT = PAGES.filter((name) => !/^docs\/(adr|log\.md)|^CHANGELOG/.test(name));

/** Without code blocks, which show files of others. */
const proseOf = (name: string): string => read(name).replaceAll(/```.*?```/gs, '');

/** As GitHub names a heading. */
function anchorsOf(name: string): string[] {
  return [...read(name).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading.toLowerCase().replaceAll(/[^\w\- ]/g, '').trim().replaceAll(' ', '-'));
}

test('every link of a document leads somewhere', () => {
  const links = PAGES.flatMap((page) => [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => ({ page, link })));
  expect(links.length).toBeGreaterThan(100);
  const broken = links.filter(({ page, link }) => {
    if (/^[a-z]+:/.test(link)) return false;
    const [path = '', anchor] = link.split('#');
    const file = path === '' ? page : normalize(join(dirname(page), path));
    return !existsSync(join(ROOT, file)) || (anchor !== undefined && !anchorsOf(file).includes(anchor));
  });
  expect(broken).toEqual([]);
});

test('every file of this repository that a document names exists', () => {
  const rooms = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  const named = PRESENT.flatMap((page) =>
    [...proseOf(page).matchAll(/`([\w.-]+(?:\/[\w.@-]+)+\.(?:ts|js|mjs|cjs|py|md|yaml|sh|json))`/g)].map(([, path = '']) => ({ page, path })),
  );
  const ours = named.filter(({ path }) => rooms.includes(path.split('/')[0]!) && !path.startsWith('dist/'));
  expect(ours.length).toBeGreaterThan(60);
  expect(ours.filter(({ path }) => !existsSync(join(ROOT, path)))).toEqual([]);
});

test('each claim of README names a test or a command', () => {
  const rows = read('docs/claims.md').split('\n').filter((line) => line.startsWith('|')).slice(2).map((line) => line.split('|').slice(1, -1));
  expect(rows.length).toBeGreaterThan(20);
  const unproven = rows.filter((cells) => cells.length !== 3 || !/`(?:test\/|npm run|python )|campaign file with/.test(cells[1]!));
  expect(unproven).toEqual([]);
});

test('README lists every folder, and nothing that is none', () => {
  const listed = [...read('README.md').matchAll(/^\| `([\w/-]+)\/` \|/gm)].map(([, folder = '']) => folder);
  expect(listed.filter((folder) => !existsSync(join(ROOT, folder)))).toEqual([]);
  // What is built, and the one file that npm links as `seal`.
  const unlisted = ['node_modules', 'dist', 'bin'];
  const folders = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !unlisted.includes(entry.name));
  const missing = folders.map(({ name }) => name).filter((name) => !listed.some((one) => one === name || one.startsWith(`${name}/`)));
  expect(missing).toEqual([]);
});

test('command-line.md has a row for every command', () => {
  const page = read('docs/command-line.md');
  const commands = createProgram({ writeOut: () => undefined, writeErr: () => undefined }).commands.map((command) => command.name());
  expect(commands.filter((name) => !new RegExp(`^\\| [^|]*\`${name}\\b`, 'm').test(page))).toEqual([]);
});

test('Python is only where golden values and the peer are made', () => {
  const files = readdirSync(ROOT, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !['node_modules', 'dist'].includes(entry.name))
    .flatMap(({ name }) => readdirSync(join(ROOT, name), { recursive: true, encoding: 'utf8' }).map((file) => join(name, file)));
  const python = files.filter((file) => file.endsWith('.py'));
  expect(python.length).toBeGreaterThan(0);
  expect(python.filter((file) => !/^(test\/golden|bench)\//.test(file))).toEqual([]);
});

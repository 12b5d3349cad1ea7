import js from '@eslint/js';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/**
 * What each room may import, besides itself (docs/adr/0003-module-format-and-tests.md).
 * `types: [...]` may be imported as types only. A room that is not a key is free: test, eslint and jest configuration.
 */
const ROOMS = {
  campaign: { values: [] },
  settings: { values: ['campaign'] },
  seal: { values: ['campaign'] },
  record: { values: ['campaign', 'seal', 'storage'] },
  reference: { values: ['campaign', 'seal'] },
  engine: { values: ['campaign', 'settings'] },
  storage: { values: ['campaign', 'settings'] },
  temporal: { values: ['campaign', 'settings'] },
  endpoint: { values: ['campaign'] },
  telemetry: { values: ['campaign', 'settings'] },
  report: { values: ['campaign', 'record', 'seal', 'storage'] },
  activities: { values: ['campaign', 'settings', 'record', 'seal', 'engine', 'storage', 'endpoint', 'telemetry', 'report'] },
  // A workflow knows no domain: activities look it up.
  workflows: { values: ['campaign', 'seal'], types: ['activities', 'seal/domains'] },
  audit: { values: ['campaign', 'record', 'seal', 'engine', 'storage', 'activities'] },
  housekeeping: { values: ['campaign', 'record', 'storage'] },
  workers: { values: ['campaign', 'settings', 'record', 'seal', 'engine', 'storage', 'temporal', 'endpoint', 'telemetry', 'activities', 'workflows'] },
  cli: {
    values: ['campaign', 'settings', 'record', 'seal', 'reference', 'engine', 'storage', 'temporal', 'endpoint', 'telemetry', 'report', 'activities', 'audit', 'housekeeping', 'workers', 'infra'],
    types: ['workflows'],
  },
  infra: { values: ['campaign', 'settings', 'temporal', 'telemetry'] },
  chaos: { values: ['campaign', 'settings', 'record', 'seal', 'storage', 'temporal', 'activities', 'audit', 'workers', 'cli', 'infra'] },
};
const NEVER_IMPORTED = ['test', 'dist', 'examples', 'docs', 'bench'];

/** Rooms that run inside a workflow, where Node has nothing to offer. */
const PURE = ['campaign', 'seal', 'reference', 'workflows', 'telemetry/in-workflow'];
/** Rooms whose results may not depend on a clock. In a workflow, Temporal replaces the clock by the history's. */
const CLOCKLESS = ['campaign', 'seal', 'reference'];
/** Rooms that talk to a person. */
const TALKATIVE = ['cli', 'infra', 'bin'];

const NOT_REPRODUCIBLE = { object: 'Math', property: 'random', message: 'Results are reproducible: seal/algorithm/seeds.ts, or node:crypto for secrets.' };
/** Whoever reads a variable by hand takes one that is set to nothing for a setting. */
const OWN_ENVIRONMENT = { object: 'process', property: 'env', message: 'settings/ reads the environment.' };
const NAMED_VARIABLE = { selector: "MemberExpression[computed=true][object.name='env']", message: 'settings/ reads variables.' };

const sources = (room) => [`${room}/**/*.ts`];

function zonesOf(room, { values, types = [] }) {
  const allowed = new Set([room, ...values, ...types]);
  const from = [...Object.keys(ROOMS), ...NEVER_IMPORTED].filter((other) => !allowed.has(other));
  return from.map((other) => ({
    target: `./${room}`,
    from: `./${other}`,
    message: `${room}/ may import ${values.length === 0 ? 'nothing of ours' : values.join(', ')} only`,
  }));
}

const BANNED_NAMES = /^(utils?|helpers?|common|misc)$/;
const fileNames = {
  meta: { type: 'suggestion', schema: [], messages: { name: '{{problem}}' } },
  create(context) {
    return {
      Program(node) {
        const stem = context.filename.split('/').at(-1).replace(/(\.(test|config|d))?\.[cm]?[jt]s$/, '');
        if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(stem)) {
          context.report({ node, messageId: 'name', data: { problem: `expected a kebab-case file name, got ${stem}` } });
        }
        if (BANNED_NAMES.test(stem)) {
          context.report({ node, messageId: 'name', data: { problem: `name the concept instead of ${stem}` } });
        }
      },
    };
  },
};

/** Rooms that read and write the record through `record/`: none of them knows the name of a stored file, or what is in it. */
const USERS_OF_THE_RECORD = ['activities', 'audit', 'chaos', 'cli', 'housekeeping', 'report', 'workers', 'workflows'];
/** What keys begin with and what they end in, also in parts of a template; in regular expressions, with slashes and dots escaped. */
const KEYS = '^(campaigns|tombstones)/|/(campaign|proposals|endpoint|adapter|evaluation|candidate|selection|policy|policy-training|pending)\\.json$|/(chunk|failed|page)-(.*\\.json)?$';
const KEY_PATTERNS = '(campaigns|tombstones)\\\\?/|(adapter|candidate|chunk|evaluation|failed|page|policy|proposals|selection)[^/]*\\\\?\\.json';
/** The command line writes files of such names for people. */
const STORED_FILES = '^(input|train|heldOut|self-edits|proposals|(raw-)?answers?|losses|selection|rows|runs|manifests|document|report)\\.json$|^(candidates\\.csv|report\\.html|adapter_model\\.safetensors|checkpoint\\.safetensors)$';

function recordRules(room) {
  const inSelector = (pattern) => `/${pattern.replaceAll('/', '\\u002f')}/`;
  const isUser = USERS_OF_THE_RECORD.includes(room);
  const aKey = 'A key is written and read by record/keys.ts.';
  const aCast = 'What was read is parsed by its schema, not cast.';
  const forbidden = [
    [`Literal[value=${inSelector(KEYS)}]`, aKey],
    [`TemplateElement[value.raw=${inSelector(KEYS)}]`, aKey],
    [`Literal[regex.pattern=${inSelector(KEY_PATTERNS)}]`, aKey],
  ];
  const ofUsers = [
    ["MemberExpression[object.property.name='files'][property.type='Literal']", 'A stored file is named and read by its document in record/.'],
    ['TSAsExpression > TSAsExpression > TSUnknownKeyword', aCast],
    ["TSAsExpression[typeAnnotation.type!='TSUnknownKeyword'] > CallExpression[callee.object.name='JSON']", aCast],
    ["TSAsExpression > MemberExpression[property.name='summary']", aCast],
    ["TSAsExpression > MemberExpression[object.name='settings']", aCast],
    ["TSAsExpression > MemberExpression[object.property.name='settings']", aCast],
    ...(room === 'cli' ? [] : [[`Literal[value=${inSelector(STORED_FILES)}]`, 'A stored file is named by its document in record/.']]),
  ];
  const all = [...forbidden, ...(isUser ? ofUsers : [])].map(([selector, message]) => ({ selector, message }));
  return { files: sources(room), rules: { 'no-restricted-syntax': ['error', ...(room === 'settings' ? [] : [NAMED_VARIABLE]), ...all] } };
}

export default tseslint.config(
  { ignores: ['dist/', 'node_modules/', '.seal/', '.venv-bench/', '**/*.json'] },
  js.configs.recommended,
  {
    files: ['**/*.{ts,mjs,cjs,js}'],
    plugins: { house: { rules: { 'file-names': fileNames } } },
    rules: {
      'house/file-names': 'error',
      eqeqeq: 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
      'object-shorthand': 'error',
      'prefer-const': 'error',
    },
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: importX.flatConfigs.typescript.settings,
    rules: {
      'import-x/no-restricted-paths': [
        'error',
        { basePath: import.meta.dirname, zones: Object.entries(ROOMS).flatMap(([room, may]) => zonesOf(room, may)) },
      ],
      'import-x/no-extraneous-dependencies': ['error', { devDependencies: ['test/**'] }],
      // Imports of types alone are none at run time.
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'no-restricted-properties': ['error', NOT_REPRODUCIBLE, OWN_ENVIRONMENT],
      'no-restricted-syntax': ['error', NAMED_VARIABLE],
    },
  },
  {
    // Tests set the environment of what they test.
    files: ['settings/**/*.ts', 'test/**/*.ts'],
    rules: { 'no-restricted-properties': ['error', NOT_REPRODUCIBLE], 'no-restricted-syntax': 'off' },
  },
  {
    files: PURE.flatMap(sources),
    rules: {
      'import-x/no-nodejs-modules': 'error',
      'no-restricted-globals': ['error', 'process', 'Buffer', 'require', '__dirname', '__filename', 'fetch'],
    },
  },
  {
    files: CLOCKLESS.flatMap(sources),
    rules: {
      'no-restricted-globals': [
        'error',
        ...['process', 'Buffer', 'require', '__dirname', '__filename', 'fetch'],
        ...['Date', 'performance', 'setTimeout', 'setInterval'],
      ],
    },
  },
  ...[...Object.keys(ROOMS), 'bench'].filter((room) => room !== 'record').map(recordRules),
  ...Object.entries(ROOMS)
    .filter(([, { types }]) => types !== undefined)
    .map(([room, { types }]) => ({
      files: sources(room),
      rules: {
        '@typescript-eslint/no-restricted-imports': [
          'error',
          {
            patterns: types.map((other) => ({
              regex: `^(\\.\\./)+${other}(/|$)`,
              allowTypeImports: true,
              message: `${room}/ may import types of ${other}/ only`,
            })),
          },
        ],
      },
    })),
  {
    files: Object.keys(ROOMS)
      .filter((room) => !TALKATIVE.includes(room))
      .flatMap(sources),
    rules: { 'no-console': 'error' },
  },
  {
    // Assertions on dynamic values (parsed JSON, mock calls) are what tests are made of.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['**/*.{mjs,cjs,js}'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          ...['process', 'console', 'Buffer', 'URL', 'AbortSignal', 'AbortController', 'fetch', 'performance'],
          ...['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'structuredClone', 'TextEncoder', 'TextDecoder'],
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['**/*.cjs', 'jest.config.js'],
    languageOptions: {
      sourceType: 'commonjs',
      globals: { __dirname: 'readonly', beforeEach: 'readonly', afterEach: 'readonly' },
    },
  },
);

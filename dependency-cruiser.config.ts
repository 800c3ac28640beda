// Who may import whom: the table of docs/architecture.md as data. A folder may import itself and what its line names;
// `types` are reached with `import type` only. `npm run lint:imports` checks it, tests/architecture/import-rules.test.ts
// sees every rule go red.

import type { IConfiguration } from 'dependency-cruiser'

type Rule = NonNullable<IConfiguration['forbidden']>[number]

const TESTS = String.raw`\.test\.ts$`
const ACTIVITY_FILES = String.raw`^activities/(orders|inventory|payments|shipping|users|notifications)\.ts$`
// Recording and replaying histories runs outside the workflow sandbox although it lives beside the workflows.
const WORKFLOW_TOOLING = '^workflows/tooling/'
const WORKFLOW_PACKAGES = '^node_modules/@temporalio/(workflow|common)/'
const ACTIVITY_PACKAGES = '^node_modules/@temporalio/(activity|common)/'

type Folder = { name: string; from: string; not?: string; may: string[]; types?: string[] }

const FOLDERS: Folder[] = [
  { name: 'contracts', from: '^contracts/', may: ['^contracts/'] },
  {
    name: 'workflows',
    from: '^workflows/',
    not: WORKFLOW_TOOLING,
    may: ['^workflows/(?!tooling/)', '^contracts/'],
    types: ['^activities/'],
  },
  {
    name: 'activities',
    from: '^activities/([^/.]+)',
    may: ['^activities/', '^contracts/'],
    types: ['^services/$1/'],
  },
  {
    name: 'services',
    from: '^services/([^/]+)/',
    not: String.raw`^services/[^/]+/main\.ts$`,
    may: ['^services/$1/', '^contracts/', '^platform/', '^prisma/$1/client/'],
  },
  {
    name: 'service-main',
    from: String.raw`^services/([^/]+)/main\.ts$`,
    not: String.raw`^services/(orders|shipping)/main\.ts$`,
    may: [
      '^services/$1/',
      '^contracts/',
      '^platform/',
      '^prisma/$1/client/',
      String.raw`^activities/$1\.ts$`,
    ],
  },
  {
    name: 'service-main-with-workflows',
    from: String.raw`^services/(orders|shipping)/main\.ts$`,
    may: [
      '^services/$1/',
      '^contracts/',
      '^platform/',
      '^prisma/$1/client/',
      String.raw`^activities/$1\.ts$`,
      '^workflows/(?!tooling/)',
    ],
  },
  { name: 'prisma', from: '^prisma/', may: ['^prisma/', '^contracts/'] },
  { name: 'gateway', from: '^gateway/', may: ['^gateway/', '^contracts/', '^platform/'] },
  { name: 'platform', from: '^platform/', may: ['^platform/', '^contracts/'] },
  { name: 'sandbox', from: '^sandbox/', may: ['^sandbox/', '^contracts/', '^platform/'] },
  { name: 'console', from: '^console/', may: ['^console/'], types: ['^contracts/'] },
]

const TEST_SUPPORT = ['^stack/', '^tests/']

const folderRules = FOLDERS.flatMap(({ name, from, not, may, types = [] }): Rule[] => {
  const reachable = [...may, ...types]
  return [
    {
      name,
      severity: 'error',
      comment: `${name} may import only ${reachable.join(', ')}`,
      from: { path: from, pathNot: [TESTS, ...(not ? [not] : [])] },
      to: { dependencyTypes: ['local'], pathNot: reachable },
    },
    {
      name: `${name}-tests`,
      severity: 'error',
      comment: `tests of ${name} may import only ${[...reachable, ...TEST_SUPPORT].join(', ')}`,
      from: { path: `(?=.*${TESTS})${from}`, pathNot: not ? [not] : [] },
      to: { dependencyTypes: ['local'], pathNot: [...reachable, ...TEST_SUPPORT, WORKFLOW_TOOLING] },
    },
    ...types.map((path): Rule => ({
      name: `${name}-types-only`,
      severity: 'error',
      comment: `${name} may reach ${path} only with \`import type\``,
      from: { path: from, pathNot: [TESTS, ...(not ? [not] : [])] },
      to: { path, dependencyTypesNot: ['type-only'] },
    })),
  ]
})

const configuration: IConfiguration = {
  forbidden: [
    ...folderRules,
    {
      name: 'activities-of-one-service',
      severity: 'error',
      comment:
        'the doors of two services know nothing of each other; helpers in activities/ have other names',
      from: { path: ACTIVITY_FILES },
      to: { path: ACTIVITY_FILES },
    },
    {
      name: 'workflow-packages',
      severity: 'error',
      comment:
        'workflow code is deterministic: no Node built-ins, of packages only @temporalio/workflow and common',
      from: { path: '^workflows/', pathNot: [TESTS, WORKFLOW_TOOLING] },
      to: { dependencyTypesNot: ['local', 'unknown'], pathNot: WORKFLOW_PACKAGES },
    },
    {
      name: 'activity-packages',
      severity: 'error',
      comment: 'an activity only translates; what it does is a use case of its service',
      from: { path: '^activities/', pathNot: TESTS },
      to: { dependencyTypesNot: ['local', 'unknown'], pathNot: ACTIVITY_PACKAGES },
    },
    {
      name: 'contracts-run-anywhere',
      severity: 'error',
      comment: 'contracts are bundled into workflows and the console, where Node is not',
      from: { path: '^contracts/', pathNot: TESTS },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'development-packages',
      severity: 'error',
      comment: 'the image is installed without devDependencies',
      from: {
        path: '^(contracts|workflows|activities|services|gateway|platform|sandbox)/',
        pathNot: [TESTS, WORKFLOW_TOOLING],
      },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'not-to-tests',
      severity: 'error',
      comment: 'what two tests share is a file of its own',
      from: {},
      to: { path: TESTS },
    },
    {
      name: 'unresolvable',
      severity: 'error',
      comment: 'the file does not exist; a Prisma client does after `npm run generate`',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'circular',
      severity: 'error',
      comment: 'imports have one direction, those of types too',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    // With this, `import type` is seen and told apart (it is gone after compilation).
    tsPreCompilationDeps: true,
    exclude: { path: ['^\\.mainstay/', '^dist/', '^coverage/'] },
    doNotFollow: { path: ['^node_modules/', '^prisma/[^/]+/client/'] },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
}

export default configuration

/**
 * Who may import whom. One row a part: the folders it may import besides itself.
 * `cli`, `test`, `bench` and `scripts` are not listed: they may import everything.
 */
const mayImport = {
  lib: [],
  events: ['lib'],
  log: ['events', 'lib'],
  blocklist: ['log', 'events', 'lib'],
  proxy: ['blocklist', 'log', 'events', 'lib'],
  analyzers: ['blocklist', 'log', 'events', 'lib'],
  store: ['log', 'events', 'lib'],
  siem: ['log', 'events', 'lib'],
  dashboards: ['store', 'lib'],
  console: ['dashboards', 'store', 'blocklist', 'log', 'events', 'lib'],
};
const parts = [...Object.keys(mayImport), 'evaluation', 'cli', 'test', 'bench', 'scripts'];

/** Node modules that reach no file, socket, clock or process: pure code may use them. */
const pureNodeModules = ['^(node:)?(buffer|url|util)$'];
/** Packages that do no I/O. */
const purePackages = ['node_modules/(zod|ipaddr\\.js|mmdb-lib|yaml)/'];

const boundaries = Object.entries(mayImport).map(([part, allowed]) => ({
  name: `${part}-imports-only-${[...allowed, part].join('-')}`,
  severity: 'error',
  from: { path: `^${part}/` },
  to: { path: `^(${parts.filter((other) => other !== part && !allowed.includes(other)).join('|')})/` },
}));

const noForeignIo = Object.keys(mayImport).map((part) => ({
  name: `no-io-of-another-part-in-${part}`,
  comment: "No part imports another part's io/; cli/ passes open ports in.",
  severity: 'error',
  from: { path: `^${part}/` },
  to: { path: '/io/', pathNot: [`^${part}/`, 'node_modules'] },
}));

module.exports = {
  forbidden: [
    ...boundaries,
    ...noForeignIo,
    {
      name: 'page-imports-only-page',
      comment: 'The files of the page are served as they are: nothing else is there in a browser.',
      severity: 'error',
      from: { path: '^console/page/' },
      to: { pathNot: '^console/page/|node_modules/uplot/' },
    },
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'pure-code-does-not-import-io',
      severity: 'error',
      from: { path: `^(${Object.keys(mayImport).join('|')})/`, pathNot: '/io/' },
      to: { path: '/io/', pathNot: 'node_modules' },
    },
    {
      name: 'pure-code-imports-no-node-io',
      severity: 'error',
      from: { path: `^(${Object.keys(mayImport).join('|')})/`, pathNot: '/io/' },
      to: { dependencyTypes: ['core'], pathNot: pureNodeModules },
    },
    {
      name: 'pure-code-imports-no-io-package',
      severity: 'error',
      from: { path: `^(${Object.keys(mayImport).join('|')})/`, pathNot: '/io/|^console/page/' },
      to: { path: 'node_modules', pathNot: purePackages },
    },
    {
      name: 'product-imports-no-test-tool',
      comment: 'smtp-server and nodemailer serve the demo, tests and benchmarks; they are never in the mail path.',
      severity: 'error',
      from: {
        path: `^(${Object.keys(mayImport).join('|')}|cli)/`,
        pathNot: '^cli/(demo/|commands/demo\\.ts)|^console/page/',
      },
      to: { dependencyTypes: ['npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};

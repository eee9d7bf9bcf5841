import { expect, test } from 'vitest';
import { helpText, readFlags, type Usage } from '../../cli/flags.ts';

const usage = {
  verb: 'try',
  summary: 'tries',
  flags: { file: { value: 'path', text: 'A file.' }, json: { text: 'As JSON.' } },
} as const satisfies Usage;

test.each([
  { argv: [], want: {} },
  { argv: ['--json'], want: { json: true } },
  { argv: ['--file', 'a', '--json'], want: { file: 'a', json: true } },
  { argv: ['--file=-a'], want: { file: '-a' } },
])('$argv is read', ({ argv, want }) => {
  expect(readFlags(usage, argv)).toEqual({ ok: true, value: want });
});

test.each([
  { argv: ['--jsno'], want: 'unknown flag --jsno; did you mean --json?' },
  { argv: ['--zzzz=1'], want: 'unknown flag --zzzz' },
  { argv: ['-j'], want: 'unknown flag -j' },
  { argv: ['--constructor'], want: 'unknown flag --constructor' },
  { argv: ['--file'], want: '--file needs a value: --file <path>' },
  { argv: ['--file='], want: '--file needs a value: --file <path>' },
  { argv: ['--file', '--json'], want: '--file needs a value: --file <path>' },
  { argv: ['--json=1'], want: '--json takes no value' },
  { argv: ['--json', '--json'], want: '--json is given twice' },
  { argv: ['a'], want: 'postern try takes no argument "a"' },
])('$argv is refused', ({ argv, want }) => {
  expect(readFlags(usage, argv)).toEqual({ ok: false, error: want });
});

test('help names every flag and what it takes', () => {
  expect(helpText(usage).split('\n')).toEqual([
    'postern try: tries',
    'Flags:',
    '  --file <path>               A file.',
    '  --json                      As JSON.',
    '  --help                      Show this.',
    '',
  ]);
});

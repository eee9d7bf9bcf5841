import { describe, expect, test } from 'vitest';
import { schemaAt } from '../../cli/config/json-schema.ts';
import { PARTITION_COUNT_MAX } from '../../log/partition.ts';
import { evaluate } from '../support/formula.ts';
import { isThere, textOf } from '../support/packaging.ts';

const DAY_MS = 86_400_000;
const text = textOf('docs/scale.md');
const rows = (document: string): readonly (readonly string[])[] =>
  document
    .split('\n')
    .filter((line) => /^\| (?!-)/.test(line))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

const numberIn = (cell: string): number => Number(cell.replaceAll(',', ''));

const constants = rows(text).flatMap(([name = '', value = '', , from = '']) =>
  /^[A-Z]$/.test(name) ? [{ name, value, from }] : [],
);
const names = new Map(constants.map(({ name, value }) => [name, numberIn(value)]));
const figures = rows(text).flatMap(([what = '', formula = '', figure = '', ...rest]) =>
  rest.length === 0 && /[×/]/.test(formula) ? [{ what, formula, figure }] : [],
);

test.each([
  ['2 × 3 + 4', 10],
  ['1,000 / (A + 1)', 200],
  ['⌈A / 3⌉ × 2', 4],
])('%s is %d', (formula, value) => {
  expect(evaluate(formula, new Map([['A', 4]]))).toBe(value);
});

test.each(['A +', '(A', 'A B', 'B', 'A - 1', ''])('%j is no formula', (formula) => {
  expect(() => evaluate(formula, new Map([['A', 4]]))).toThrow();
});

describe('docs/scale.md', () => {
  test('has its tables', () => {
    expect([constants.length, figures.length]).toEqual([17, 20]);
    expect(names.size).toBe(constants.length);
  });

  test.each(figures)('$what: $formula is $figure', ({ formula, figure }) => {
    const digits = /\.(\d+)$/.exec(figure)?.[1]?.length ?? 0;
    expect(evaluate(formula, names).toFixed(digits)).toBe(figure.replaceAll(',', ''));
  });

  test.each(constants)('$name is where it says that it is from', ({ value, from }) => {
    for (const [, path = ''] of from.matchAll(/`node ([\w/.-]+)`/g)) expect(isThere(path), path).toBe(true);
    for (const [, document = ''] of from.matchAll(/\]\((\w+\.md)\)/g)) {
      // A ratio is of two figures of the document.
      const told = from.match(/[\d,]+(?= and| of|,000)|\d[\d,]*(?= events)/g) ?? [];
      for (const each of told.length > 0 ? told : [value]) expect(textOf(`docs/${document}`)).toContain(each);
    }
    const [, setting] = /^`([a-z]\w*\.\w[\w.]*)`$/.exec(from) ?? [];
    if (setting === undefined) return;
    const schema = schemaAt(setting.split('.')) as { readonly default?: number; readonly maximum?: number } | undefined;
    const limit = setting === 'log.kafka.partitions' ? schema?.maximum : schema?.default;
    expect(setting.endsWith('Ms') ? (limit ?? 0) / DAY_MS : limit).toBe(numberIn(value));
  });

  test('decisions for each event are those of the replay that it names', () => {
    expect(numberIn('674,439') * (names.get('J') ?? 0)).toBeCloseTo(1341 + 269, -2);
    expect(names.get('P')).toBe(PARTITION_COUNT_MAX);
  });

  test('what the text says besides', () => {
    const aDay = new Map([...names, ['D', 1]]);
    const brokers = figures.find(({ what }) => what === 'brokers, for their disks');
    expect(text).toContain(`with a day instead of seven in Kafka ${evaluate(brokers?.formula ?? '', aDay)} of them do`);
    const [, ofFour = ''] = /all state of four partitions takes (\d+) MiB/.exec(textOf('docs/detection.md')) ?? [];
    expect(text).toContain(`take ${Number(ofFour) / 4} MiB for a partition`);
    // The formula of what a broker writes has their number in it.
    expect(figures.find(({ what }) => what.startsWith('MB a second written'))?.formula).toContain(
      `/ ${brokers?.figure}`,
    );
  });
});

test('docs/many-machines.md: how long a spool holds', () => {
  const table = rows(textOf('docs/many-machines.md'));
  const start = table.findIndex(([first]) => first === 'events a second at the gate');
  const sizes = table[start]?.slice(1).map((cell) => Number(cell.replace(' GiB', ''))) ?? [];
  const lines = table.slice(start + 1, start + 4);
  expect(lines.map(([first]) => first)).toEqual(['100', '1000', String(evaluate('G × E', names))]);
  for (const [rate, ...hours] of lines) {
    const expected = sizes.map((size) => (size * 2 ** 30) / (Number(rate) * (names.get('L') ?? 0)) / 3600);
    expect(hours).toEqual(expected.map((each) => `${each.toFixed(1)} h`));
  }
});

import { describe, expect, test } from 'vitest';
import { cellOf, headingOf, singleNumber } from '../../console/page/rows.js';
import { alone, isRedSeries, SERIES_MAX, seriesOf, stackedValues } from '../../console/page/series.js';
import { dashboards } from '../../dashboards/all.ts';
import type { Column, Panel } from '../../dashboards/panel.ts';

const red = { column: 'value', from: 10, advice: '' };
const columns = (...names: string[]): readonly Column[] => names.map((name) => ({ name, type: 'Float64' }));
const minute = (index: number): string => `2026-11-29T13:${String(index).padStart(2, '0')}:00Z`;
const labelled = { drawing: 'areas', columns: columns('time', 'label', 'value') } as const;
const start = Date.UTC(2026, 10, 29, 13) / 1000;

describe('rows as series', () => {
  test('one a label; what is missing is 0 where series stand on each other', () => {
    const rows = [
      [minute(0), 'a', 1],
      [minute(0), 'b', 5],
      [minute(1), 'b', 6],
    ];
    expect(seriesOf(labelled, rows)).toEqual({
      times: [start - 60, start, start + 60, start + 120],
      series: [
        { label: 'b', values: [0, 5, 6, 0] },
        { label: 'a', values: [0, 1, 0, 0] },
      ],
    });
  });

  test('one a column; what is missing is a gap in a line', () => {
    const panel = { drawing: 'lines', columns: columns('time', 'p50', 'p99') } as const;
    expect(
      seriesOf(panel, [
        [minute(1), 2, null],
        [minute(0), 1, 3],
      ]),
    ).toEqual({
      times: [start - 60, start, start + 60, start + 120],
      series: [
        { label: 'p50', values: [null, 1, 2, null] },
        { label: 'p99', values: [null, 3, null, null] },
      ],
    });
  });

  test('a hole is not bridged', () => {
    const rows = [0, 1, 2, 8].map((index) => [minute(index), 'a', 4]);
    const { times, series } = seriesOf(labelled, rows);
    expect(times.map((at) => (at - start) / 60)).toEqual([-1, 0, 1, 2, 3, 7, 8, 9]);
    expect(series[0]?.values).toEqual([0, 4, 4, 4, 0, 0, 4, 0]);
  });

  test('one point alone stands for the step of its panel', () => {
    expect(seriesOf({ ...labelled, step: 'hour' }, [[minute(0), 'a', 4]])).toEqual({
      times: [start - 3600, start, start + 3600],
      series: [{ label: 'a', values: [0, 4, 0] }],
    });
    expect(seriesOf(labelled, [[minute(0), 'a', 4]], start + 59).times).toEqual([start - 60, start]);
  });

  test('the smallest of more than there are colours for become one', () => {
    const rows = Array.from({ length: SERIES_MAX + 1 }, (_, index) => [minute(0), `s${index}`, index + 1]);
    const { series } = seriesOf(labelled, rows);
    expect(series).toHaveLength(SERIES_MAX);
    expect(series.at(-1)).toEqual({ label: '2 others', values: [0, 3, 0] });
    expect(seriesOf(labelled, rows.slice(1)).series.at(-1)).toEqual({ label: 's1', values: [0, 2, 0] });
    expect(seriesOf({ ...labelled, drawing: 'lines' }, rows).series).toHaveLength(SERIES_MAX);
  });

  test('rows without a time are left out, none give nothing', () => {
    expect(seriesOf(labelled, [['never', 'a', 1]])).toEqual({ times: [], series: [] });
  });

  test('edges of stacked series, the outline first', () => {
    expect(
      stackedValues([
        { label: 'a', values: [5, 6] },
        { label: 'b', values: [1, null] },
      ]),
    ).toEqual([
      [6, 6],
      [1, 0],
    ]);
    expect(stackedValues([])).toEqual([]);
  });

  test('values without neighbours are drawn as points', () => {
    expect(alone([null, 1, null, 2, 3, null, 0])).toEqual([1, 6]);
    expect(alone([])).toEqual([]);
  });

  test('a series is red by its own values, from the value on that is told', () => {
    expect(isRedSeries({ red }, { label: 'any', values: [9.9, null] })).toBe(false);
    expect(isRedSeries({ red }, { label: 'any', values: [10] })).toBe(true);
    expect(isRedSeries({ red: { ...red, column: 'p99' } }, { label: 'p50', values: [10] })).toBe(false);
  });
});

describe('cells', () => {
  const panel = { red, unit: 'short' } as const;
  const cell = (name: string, type: string, value: unknown, unit?: Column['unit']) =>
    cellOf(panel, { name, type, ...(unit === undefined ? {} : { unit }) }, value, 'UTC');

  test('by their type', () => {
    expect(cell('value', 'UInt64', '1234')).toEqual({ text: '1,234', kind: 'number', isRed: true });
    expect(cell('latency', 'Float32', 1500, 'µs')).toEqual({ text: '1.5 ms', kind: 'number', isRed: false });
    expect(cell('observed', 'Bool', true).text).toBe('yes');
    expect(cell('at', "DateTime64(3, 'UTC')", '2026-11-29T13:00:00Z')).toMatchObject({ text: '2026-11-29 13:00:00' });
    for (const never of ['1970-01-01T00:00:00Z', '2299-12-31T00:00:00Z', '', null]) {
      expect(cell('at', "DateTime('UTC')", never).text).toBe('');
    }
    expect(cell('value', 'Float64', null)).toEqual({ text: '', kind: 'number', isRed: false });
  });

  test('lead to sessions, to their dialogue, and to the chain of a decision', () => {
    const sid = '01890a5d-ac96-774b-bcce-b302099a8057';
    expect(cell('sid', 'UUID', sid)).toMatchObject({ text: '…b302099a8057', link: `#/session/${sid}` });
    expect(cell('ip', 'String', '2001:db8::1').link).toBe('#/dashboard/postern-sessions?ip=2001%3Adb8%3A%3A1');
    expect(cell('value', 'String', '192.0.2.0/24').link).toBe('#/why/192.0.2.0%2F24');
    expect(cell('id', 'String', '00f1e2d3c4b5a697').link).toBe('#/why/00f1e2d3c4b5a697');
    for (const name of ['sid', 'ip', 'value', 'id', 'helo'])
      expect(cell(name, 'String', 'javascript:alert(1)').link).toBeUndefined();
  });

  test('headings are words', () => {
    expect(['replyText', 'sid', 'ip'].map(headingOf)).toEqual(['reply text', 'session', 'ip']);
  });

  test('a number is the only value of its row', () => {
    expect([[[3]], [['3.5']], [[null]], [[]], []].map(singleNumber)).toEqual([3, 3.5, undefined, undefined, undefined]);
  });
});

test.each(
  dashboards.flatMap(({ uid, panels }) => panels.map((panel): [string, Panel] => [`${uid} ${panel.id}`, panel])),
)('the page can draw %s', (_, panel) => {
  const names = panel.columns.map(({ name }) => name);
  const isSeries = ['lines', 'areas', 'bars'].includes(panel.drawing);
  expect(isSeries).toBe(names[0] === 'time');
  expect(names.includes('label')).toBe(names.includes('label') && names.includes('value'));
  if (panel.drawing === 'number') expect(panel.columns).toHaveLength(1);
});

/** @import { Panel } from '../../dashboards/panel.ts' */
/** @import { Chart, Series } from './series.js' */
import { element } from './dom.js';
import { alone, isRedSeries, isStacked, stackedValues } from './series.js';
import { printable } from './text.js';
import { formatClock, formatMoment } from './times.js';
import { formatValue } from './units.js';
import uPlot from './uplot.js';

/** Height of a chart, pixels. */
const HEIGHT = 170;
const SECONDS_OF_DAYS = 172_800;

/** A colour of style.css. @param {string} name */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
/** @param {number} index */
const seriesColour = (index) => colour(`--series-${index + 1}`);

/**
 * A chart of one panel that can be drawn again with other data.
 */
export class PanelChart {
  /** @type {Panel} */ #panel;
  /** @type {string} */ #zone;
  /** @type {uPlot | undefined} */ #plot;
  /** @type {Chart} */ #chart = { times: [], series: [] };
  #canvas = element('div', { class: 'chart', tabindex: '0', role: 'img' });
  #moment = element('span', { class: 'moment' });
  #legend = element('ul', { class: 'legend' });
  /** @type {HTMLElement[]} */ #values = [];
  #resized = new ResizeObserver(() => this.#fit());
  root = element('div', { class: 'chart-with-legend' }, this.#canvas, this.#legend);

  /** @param {Panel} panel @param {string} zone @param {(from: number, to: number) => void} onZoom */
  constructor(panel, zone, onZoom) {
    this.#panel = panel;
    this.#zone = zone;
    this.onZoom = onZoom;
    this.#canvas.addEventListener('keydown', (event) => this.#move(event));
    this.#resized.observe(this.#canvas);
  }

  /** @param {Chart} chart @param {{ from: number, to: number }} stretch */
  draw(chart, stretch) {
    this.#chart = chart;
    this.#plot?.destroy();
    this.#listSeries();
    const { series, times } = chart;
    const drawn = isStacked(this.#panel) ? stackedValues(series) : series.map(({ values }) => values);
    const data = /** @type {uPlot.AlignedData} */ (/** @type {unknown} */ ([times, ...drawn]));
    this.#plot = new uPlot(this.#options(stretch), data, this.#canvas);
    this.#canvas.setAttribute('aria-label', this.#summary());
    this.#show(undefined);
  }

  destroy() {
    this.#resized.disconnect();
    this.#plot?.destroy();
  }

  #fit() {
    const width = Math.floor(this.#canvas.clientWidth);
    if (width > 0 && this.#plot !== undefined && width !== this.#plot.width)
      this.#plot.setSize({ width, height: HEIGHT });
  }

  /** @param {{ from: number, to: number }} stretch @returns {uPlot.Options} */
  #options({ from, to }) {
    const isStack = isStacked(this.#panel);
    const { series } = this.#chart;
    return {
      width: Math.max(Math.floor(this.#canvas.clientWidth), 100),
      height: HEIGHT,
      padding: [8, 18, 0, 0],
      legend: { show: false },
      cursor: { y: false, points: { show: !isStack, size: 6 }, drag: { x: true, y: false, setScale: false } },
      scales: { x: { time: true, range: [from, to] }, y: { range: (_, __, max) => [0, this.#top(max)] } },
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), this.#zone),
      axes: this.#axes(to - from),
      series: [{}, ...series.map((each, index) => this.#seriesOptions(each, index))],
      ...(this.#panel.drawing === 'areas'
        ? { bands: series.slice(1).map((_, index) => ({ series: [index + 1, index + 2] })) }
        : {}),
      hooks: {
        setCursor: [(plot) => this.#show(plot.cursor.idx ?? undefined)],
        setSelect: [(plot) => this.#zoom(plot)],
        draw: [(plot) => this.#drawLimit(plot)],
      },
    };
  }

  /** Room above the highest value, and something to see where all is 0. @param {number | null} max */
  #top(max) {
    return max === null || max <= 0 ? 1 : max * 1.08;
  }

  /** @param {number} seconds @returns {uPlot.Axis[]} */
  #axes(seconds) {
    const common = {
      stroke: colour('--quiet'),
      grid: { stroke: colour('--line'), width: 1 },
      ticks: { show: false },
      font: '11px system-ui, sans-serif',
    };
    const label = (/** @type {number} */ at) =>
      seconds > SECONDS_OF_DAYS
        ? formatMoment(at * 1000, this.#zone).slice(5, 10)
        : formatClock(at * 1000, this.#zone).slice(0, 5);
    return [
      { ...common, size: 24, space: 64, values: (_, splits) => withoutRepeats(splits.map(label)) },
      {
        ...common,
        size: 62,
        space: 34,
        values: (_, splits) => splits.map((value) => formatValue(value, this.#panel.unit)),
      },
    ];
  }

  /** @param {Series} series @param {number} index @returns {uPlot.Series} */
  #seriesOptions({ label, values }, index) {
    const stroke = seriesColour(index);
    const common = { label: printable(label), stroke, points: { show: false } };
    if (this.#panel.drawing === 'lines') {
      // A value without neighbours is no line: it is a point.
      const points = { show: false, size: 5, fill: stroke, filter: () => alone(values) };
      return { ...common, points, width: 1.5, spanGaps: false };
    }
    if (this.#panel.drawing === 'areas') return { ...common, width: 1, fill: `${stroke}b0` };
    const paths = uPlot.paths.bars?.({ size: [0.85, 40] });
    return { ...common, width: 0, fill: stroke, ...(paths === undefined ? {} : { paths }) };
  }

  /** The value from which on a line is red, where the chart reaches it; the edges of a stack are sums. @param {uPlot} plot */
  #drawLimit(plot) {
    const { from } = this.#panel.red;
    const top = plot.scales['y']?.max ?? 0;
    if (isStacked(this.#panel) || from > top || from <= 0) return;
    const { ctx, bbox } = plot;
    const y = Math.round(plot.valToPos(from, 'y', true));
    ctx.save();
    ctx.strokeStyle = colour('--bad');
    ctx.fillStyle = colour('--bad-tint');
    ctx.setLineDash([4 * uPlot.pxRatio, 3 * uPlot.pxRatio]);
    ctx.fillRect(bbox.left, bbox.top, bbox.width, y - bbox.top);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }

  /** @param {uPlot} plot */
  #zoom(plot) {
    const { left, width } = plot.select;
    if (width < 5) return;
    this.onZoom(plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x'));
  }

  #listSeries() {
    this.#values = this.#chart.series.map(() => element('span', { class: 'value' }));
    const entries = this.#chart.series.map((series, index) => {
      const swatch = element('span', { class: 'swatch', 'aria-hidden': 'true' });
      swatch.style.backgroundColor = seriesColour(index);
      const isRed = isRedSeries(this.#panel, series);
      return element('li', { class: isRed ? 'red' : '' }, swatch, printable(series.label), ' ', this.#values[index]);
    });
    this.#legend.replaceChildren(...entries, element('li', { class: 'at' }, this.#moment));
  }

  /** The values of one time in the legend; the highest of each where no time is chosen. @param {number | undefined} index */
  #show(index) {
    const at = index === undefined ? undefined : this.#chart.times[index];
    this.#moment.textContent = at === undefined ? 'highest' : formatMoment(at * 1000, this.#zone).slice(0, 16);
    for (const [place, { values }] of this.#chart.series.entries()) {
      const value = at === undefined ? highestOf(values) : values[index ?? 0];
      const shown = this.#values[place];
      if (shown !== undefined) shown.textContent = formatValue(value, this.#panel.unit);
    }
  }

  /** Arrows move through the times. @param {KeyboardEvent} event */
  #move(event) {
    const plot = this.#plot;
    const { min = 0, max = 0 } = plot?.scales['x'] ?? {};
    const { times } = this.#chart;
    const first = times.findIndex((at) => at >= min);
    const last = times.findLastIndex((at) => at <= max);
    const index = plot?.cursor.idx ?? last;
    const next = { ArrowLeft: index - 1, ArrowRight: index + 1, Home: first, End: last }[event.key];
    if (plot === undefined || next === undefined) return;
    event.preventDefault();
    const at = times[Math.min(Math.max(next, first), last)] ?? 0;
    plot.setCursor({ left: plot.valToPos(at, 'x'), top: 0 });
  }

  #summary() {
    const { unit, title } = this.#panel;
    const told = this.#chart.series.map(
      ({ label, values }) => `${printable(label)} at most ${formatValue(highestOf(values), unit)}`,
    );
    return `${title}: ${told.join(', ')}. Arrow keys move through the times.`;
  }
}

/** @param {readonly (number | null)[]} values */
function highestOf(values) {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((a, b) => Math.max(a, b));
}

/** @param {readonly string[]} labels */
const withoutRepeats = (labels) => labels.map((label, index) => (label === labels[index - 1] ? '' : label));

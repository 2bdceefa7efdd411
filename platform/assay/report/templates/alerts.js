// The slots of what an alert watches, by uPlot: drag to zoom in, double-click to see everything again. The page tells
// the same in words and in a table.
"use strict";

const style = getComputedStyle(document.documentElement);
const drawn = []; // to be drawn again when the theme changes
const TIMES = [
  [86400, "{D} {MMM}", null, null, null, null, null, null, 1],
  [3600, "{HH}:{mm}", "\n{D} {MMM}", null, "\n{D} {MMM}", null, null, null, 1],
  [60, "{HH}:{mm}", "\n{D} {MMM}", null, "\n{D} {MMM}", null, null, null, 1],
];

const colour = (name) => () => style.getPropertyValue(name);

function reader(format) {
  if (format === "percent") return (value) => (value === null ? "–" : `${(100 * value).toFixed(1)} %`);
  const numbers = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
  return (value) => (value === null ? "–" : numbers.format(value));
}

function shade(plot, episodes) {
  const { ctx, bbox, scales } = plot;
  ctx.save();
  ctx.fillStyle = style.getPropertyValue("--bad-soft");
  for (const [from, to] of episodes) {
    const [start, end] = [Math.max(from, scales.x.min), Math.min(to ?? Infinity, scales.x.max)];
    const left = plot.valToPos(start, "x", true);
    if (start < end) ctx.fillRect(left, bbox.top, Math.max(plot.valToPos(end, "x", true) - left, 2), bbox.height);
  }
  ctx.restore();
}

function options(chart, told, width) {
  const read = reader(chart.format);
  const axis = { stroke: colour("--muted"), grid: { stroke: colour("--grid"), width: 1 }, ticks: { show: false } };
  const line = { value: (_, value) => read(value ?? null), points: { show: false } };
  const bound = { ...line, stroke: colour("--faint"), width: 1 };
  const expected = chart.low.length > 0;
  return {
    width,
    height: 240,
    tzDate: (seconds) => uPlot.tzDate(new Date(1000 * seconds), told.zone),
    cursor: { y: false },
    // a line that falls to nothing must be seen to; shares hardly do
    scales: { y: { range: (_, low, high) => uPlot.rangeNum(chart.format === "percent" ? low : Math.min(low, 0), high, 0.1, true) } },
    axes: [{ ...axis, values: TIMES }, { ...axis, size: 64, values: (_, values) => values.map(read) }],
    series: [
      { label: "Time", value: "{D} {MMM} {HH}:{mm}" },
      { ...line, label: chart.label, stroke: colour("--line-1"), width: 1.75 },
      ...(expected ? [{ ...bound, label: "Highest expected" }, { ...bound, label: "Lowest expected" }] : []),
    ],
    bands: expected ? [{ series: [2, 3], fill: colour("--shade") }] : [],
    hooks: { drawClear: [(plot) => shade(plot, told.episodes)] },
  };
}

function draw(place, chart, told) {
  place.hidden = false;
  const data = [chart.times, chart.values, ...(chart.low.length ? [chart.high, chart.low] : [])];
  const plot = new uPlot(options(chart, told, place.clientWidth), data, place);
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: 240 })).observe(place);
  drawn.push(plot);
}

function assaySlots(told) {
  told.charts.forEach((chart, at) => draw(document.getElementById(`slots-${at}`), chart, told));
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((plot) => plot.redraw(false)));

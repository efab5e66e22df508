// Each row's queue, run and download as bars on one axis of time, drawn for what is in view. Where there are more rows
// than lines, a line stands for several rows: from the first start to the last end of them, with a mark for each bad one.
const plot = {
  element: byId("plot"), area: byId("plot-area"), canvas: byId("canvas"), tip: byId("tip"), zoom: 0, from: 0, to: 1, pointed: false,
};
const AXIS = 26, ROW = 24, THIN = 3, MOST_ZOOM = 12;
const TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800];

// The time that several rows take together, and when the bad ones ended.
const spanOf = (first, end) => {
  const span = {queue: Infinity, accepted: Infinity, finished: -Infinity, done: -Infinity, bad: []};
  for (let at = first; at < end; at++) {
    const row = ROWS[view.shown[at]], times = row[7] || [];
    span.queue = Math.min(span.queue, times[0] ?? Infinity);
    span.accepted = Math.min(span.accepted, times[2] ?? Infinity);
    span.finished = Math.max(span.finished, times[3] ?? -Infinity);
    span.done = Math.max(span.done, times[4] ?? -Infinity);
    if (BAD[row[1]]) span.bad.push(times[3] ?? times[1] ?? times[0] ?? 0);
  }
  return span;
};
// What has not ended goes on until now.
const barsOf = (index) => {
  const row = rowOf(index), now = (DATA.now - DATA.base) * 1000;
  const ends = row.bad ? row.finished ?? row.accepted ?? row.intended ?? row.planned : now;
  const begun = row.planned ?? row.intended ?? row.accepted;
  return {
    row,
    queue: begun === null ? null : [begun, row.accepted ?? ends],
    run: row.accepted === null || (row.bad && row.finished === null) ? null : [row.accepted, row.finished ?? ends],
    download: row.finished === null || row.bad ? null : [row.finished, row.done ?? ends],
  };
};
const spanOfAll = () => {
  let from = Infinity, to = -Infinity, waits = false;
  for (const row of ROWS) {
    for (const moment of row[7] || []) {
      if (moment === null) continue;
      if (moment < from) from = moment;
      if (moment > to) to = moment;
    }
    waits ||= STATES[row[1]] === "running" || STATES[row[1]] === "starting";
  }
  if (waits) to = Math.max(to, (DATA.now - DATA.base) * 1000);
  return from <= to ? {from, to: Math.max(to, from + 1)} : {from: 0, to: 1};
};
const measurePlot = () => {
  const wide = plot.element.clientWidth, high = plot.element.clientHeight - AXIS, all = Math.max(1, view.shown.length);
  const fit = Math.min(ROW, high / all);
  plot.row = Math.min(ROW, fit * 2 ** plot.zoom);
  plot.left = plot.row >= 13 && wide > 560 ? 150 : 12;
  plot.wide = (wide - plot.left - 14) * 2 ** plot.zoom;
  plot.high = plot.row * all;
  plot.area.style.width = `${Math.min(plot.left + plot.wide + 14, TALLEST)}px`;
  plot.area.style.height = `${Math.min(plot.high + AXIS, TALLEST)}px`;
  const lines = plot.row >= THIN ? "" : `1 line = ${plural(Math.ceil(THIN / plot.row), "row")} · `;
  byId("scale").textContent = `${lines}${plural(view.shown.length, "row")} · ${spanText(plot.to - plot.from)}`;
  byId("zoom-out").disabled = byId("zoom-fit").disabled = plot.zoom === 0;
  byId("zoom-in").disabled = plot.zoom >= MOST_ZOOM || (plot.row >= ROW && plot.zoom >= 6);
};
const xOf = (moment) => plot.left + ((moment - plot.from) / (plot.to - plot.from)) * plot.wide - plot.element.scrollLeft;
const paint = () => {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["ink", "soft", "line", "paper", "accent", "queue", "run", "download", "failed", "ended", "pointed"]
    .map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
};
const drawPlot = () => {
  if (view.mode !== "time") return;
  const {canvas, element} = plot, wide = element.clientWidth, high = element.clientHeight, dots = devicePixelRatio || 1;
  if (canvas.width !== Math.round(wide * dots) || canvas.height !== Math.round(high * dots)) {
    Object.assign(canvas, {width: Math.round(wide * dots), height: Math.round(high * dots)});
    Object.assign(canvas.style, {width: `${wide}px`, height: `${high}px`});
  }
  const pen = canvas.getContext("2d"), colours = paint();
  pen.setTransform(dots, 0, 0, dots, 0, 0);
  pen.clearRect(0, 0, wide, high);
  drawAxis(pen, colours, wide, high);
  pen.save();
  pen.beginPath();
  pen.rect(0, AXIS, wide, high - AXIS);
  pen.clip();
  for (const line of linesInView(high)) drawLine(pen, colours, line, wide);
  pen.restore();
};
// The lines in view: each with its row and where it stands.
const linesInView = (high) => {
  const lines = [], each = Math.max(THIN, plot.row), top = plot.element.scrollTop, all = view.shown.length;
  for (let line = Math.floor(top / each); line * each < top + high; line++) {
    const first = Math.floor((line * each) / plot.row + 1e-6), end = Math.min(all, Math.floor(((line + 1) * each) / plot.row + 1e-6));
    if (first >= all) break;
    lines.push({at: standsFor(first, Math.max(end, first + 1)), y: AXIS + line * each - top, each, first, end: Math.max(end, first + 1)});
  }
  return lines;
};
const standsFor = (first, end) => {
  if (view.at >= first && view.at < end) return view.at;
  for (let at = first; at < end; at++) if (BAD[ROWS[view.shown[at]][1]]) return at;
  return first;
};
const drawLine = (pen, colours, line, wide) => {
  const {at, y, each} = line;
  if (plot.pointed && at === view.at) {
    pen.fillStyle = colours.pointed;
    pen.fillRect(0, y, wide, each);
  }
  if (plot.left > 100) label(pen, colours, rowOf(view.shown[at]), y + each / 2);
  pen.save();
  pen.beginPath();
  pen.rect(plot.left - 4, AXIS, wide, pen.canvas.height);
  pen.clip();
  if (line.end - line.first > 1) drawMany(pen, colours, line, wide);
  else drawOne(pen, colours, line, wide);
  pen.restore();
};
const drawBar = (pen, colour, from, to, {y, each}, wide, thin = false) => {
  const x = Math.max(-4, xOf(from)), end = Math.min(wide + 8, Math.max(xOf(from) + 1.5, xOf(to)));
  if (!(end > 0 && x < wide)) return;
  const gap = thin && each > 5 ? each / 2 - Math.max(1, each / 12) : each > 8 ? each * 0.22 : each > THIN ? 0.5 : 0;
  pen.fillStyle = colour;
  pen.beginPath();
  pen.roundRect(x, y + gap, end - x, each - 2 * gap, each > 8 && !thin ? 3 : 0);
  pen.fill();
};
const drawOne = (pen, colours, line, wide) => {
  const {row, queue, run, download} = barsOf(view.shown[line.at]);
  const bar = (span, colour, thin) => { if (span) drawBar(pen, colour, span[0], span[1], line, wide, thin); };
  pen.globalAlpha = line.each > 5 ? 1 : 0.5;
  bar(queue, row.bad && !run ? colours.ended : colours.queue, true);
  pen.globalAlpha = 1;
  bar(run, row.bad ? colours.ended : colours.run);
  bar(download, colours.download);
  if (row.bad && !run && queue) bar([queue[1], queue[1] + ((plot.to - plot.from) / plot.wide) * 5], colours.ended);
};
const drawMany = (pen, colours, line, wide) => {
  const span = spanOf(line.first, line.end), bar = (from, to, colour) => { if (from <= to) drawBar(pen, colour, from, to, line, wide); };
  pen.globalAlpha = 0.5;
  bar(span.queue, Math.min(span.accepted, plot.to), colours.queue);
  pen.globalAlpha = 1;
  bar(span.finished, span.done, colours.download);
  bar(span.accepted, Math.max(span.finished, span.accepted), colours.run);
  for (const moment of span.bad) drawBar(pen, colours.ended, moment, moment + ((plot.to - plot.from) / plot.wide) * 3, line, wide);
};
const label = (pen, colours, row, y) => {
  pen.fillStyle = row.bad ? colours.failed : colours.ink;
  pen.font = "12px system-ui, sans-serif";
  pen.textBaseline = "middle";
  let text = row.id.slice(0, 40);
  while (text.length > 1 && pen.measureText(text).width > plot.left - 24) text = `${text.slice(0, -2)}…`;
  pen.fillText(text, 12, y);
};
const drawAxis = (pen, colours, wide, high) => {
  const seconds = (plot.to - plot.from) / 1000, least = (seconds / plot.wide) * 84;
  const step = (TICKS.find((tick) => tick >= least) ?? TICKS.at(-1)) * 1000;
  const begin = plot.from + (plot.element.scrollLeft / plot.wide) * (plot.to - plot.from);
  pen.font = "11px system-ui, sans-serif";
  pen.textBaseline = "middle";
  for (let tick = Math.max(0, Math.floor((begin - plot.from) / step)); ; tick++) {
    const x = xOf(plot.from + tick * step);
    if (x > wide - 8 || plot.from + tick * step > plot.to + step) break;
    if (x < plot.left - 1) continue;
    pen.fillStyle = colours.line;
    pen.fillRect(Math.round(x), AXIS - 5, 1, high);
    pen.fillStyle = colours.soft;
    pen.fillText(tickText(tick * step), x + 5, AXIS / 2 - 1);
  }
};
const tickText = (ms) => {
  const seconds = Math.round(ms / 100) / 10;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 ? `${minutes}:${two(Math.round(seconds % 60))} min` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 72 ? `${hours}:${two(minutes % 60)} h` : `${Math.round(hours / 24)} d`;
};
const lengthOf = (span) => span ? spanText(span[1] - span[0]) : "–";
const saysOf = (index) => {
  const {row, queue, run, download} = barsOf(index);
  return `${row.id}: ${row.status}, queue ${lengthOf(queue)}, run ${lengthOf(run)}, download ${lengthOf(download)}`;
};
const lineAt = (event) => {
  const y = event.clientY - plot.element.getBoundingClientRect().top;
  return y < AXIS ? undefined : linesInView(plot.element.clientHeight).find((line) => y >= line.y && y < line.y + line.each);
};
const showTip = (event) => {
  const line = lineAt(event), box = plot.element.getBoundingClientRect();
  plot.tip.hidden = !line;
  plot.element.style.cursor = line ? "pointer" : "";
  if (!line) return;
  const {row, queue, run, download} = barsOf(view.shown[line.at]);
  plot.tip.replaceChildren(
    make("b", {text: row.id, dir: "auto"}), pill(row),
    make("span", {text: `queue ${lengthOf(queue)} · run ${lengthOf(run)} · download ${lengthOf(download)}`}),
    ...(line.end - line.first > 1 ? [make("span", {class: "soft", text: `one of ${plural(line.end - line.first, "row")} on this line`})] : []),
  );
  const x = event.clientX - box.left, y = event.clientY - box.top;
  plot.tip.style.left = `${plot.element.scrollLeft + Math.max(8, Math.min(x + 14, box.width - plot.tip.offsetWidth - 12))}px`;
  plot.tip.style.top = `${plot.element.scrollTop + (y + 90 > box.height ? y - plot.tip.offsetHeight - 10 : y + 16)}px`;
};
// What is in the middle stays in the middle.
const zoomTo = (zoom) => {
  const {element} = plot, x = (element.scrollLeft + element.clientWidth / 2 - plot.left) / plot.wide;
  const y = (element.scrollTop + element.clientHeight / 2) / plot.high;
  plot.zoom = Math.max(0, Math.min(MOST_ZOOM, zoom));
  measurePlot();
  element.scrollTo({
    left: plot.zoom ? x * plot.wide + plot.left - element.clientWidth / 2 : 0,
    top: plot.zoom ? y * plot.high - element.clientHeight / 2 : 0, behavior: "instant",
  });
  drawPlot();
};
const resetPlot = () => {
  if (view.mode !== "time") return;
  Object.assign(plot, spanOfAll());
  measurePlot();
  drawPlot();
};
const pointAt = (at) => {
  view.at = Math.max(0, Math.min(view.shown.length - 1, at));
  plot.pointed = true;
  const y = view.at * plot.row, {element} = plot, high = element.clientHeight - AXIS;
  if (y < element.scrollTop) element.scrollTop = y;
  else if (y + plot.row > element.scrollTop + high) element.scrollTop = y + plot.row - high;
  drawPlot();
  if (view.shown.length) byId("said").textContent = saysOf(view.shown[view.at]);
};

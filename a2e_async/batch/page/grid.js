// The cards in a list that only holds what is in view and a little around it, however many rows there are.
const TALLEST = 12e6; // browsers know no taller elements; beyond it the list is scrolled in proportion
const LOW = 150; // how high a card without an image is
const grid = {element: byId("grid"), cells: new Map(), columns: 1, step: 1, width: 1, gap: 20, seen: 0, timer: 0};

const measureGrid = () => {
  const small = view.mode === "small", wide = grid.element.clientWidth;
  grid.gap = small ? 12 : wide < 600 ? 16 : 22;
  grid.columns = Math.max(small ? 2 : 1, Math.floor((wide + grid.gap) / ((small ? 168 : 300) + grid.gap)));
  grid.width = (wide - grid.gap * (grid.columns - 1)) / grid.columns;
  grid.card = Math.round(grid.width * (small ? 1 : 3 / 4)) + (small ? 42 : 142);
  grid.step = grid.card + grid.gap;
  grid.lowStep = LOW + grid.gap;
  grid.low = small || view.sort !== "errors" ? 0 : view.shown.findIndex((index) => !BAD[ROWS[index][1]]);
  if (grid.low < 0) grid.low = view.shown.length;
  grid.above = Math.ceil(grid.low / grid.columns) * grid.lowStep;
  grid.real = Math.max(0, grid.above + Math.ceil((view.shown.length - grid.low) / grid.columns) * grid.step - grid.gap);
  grid.height = Math.min(grid.real, TALLEST);
  grid.element.style.height = `${grid.height}px`;
  grid.element.style.setProperty("--media", small ? "1" : "4 / 3");
};
// Bad rows that come first have low cards, so that the images are not far below them.
const topOf = (at) => at < grid.low ? Math.floor(at / grid.columns) * grid.lowStep
  : grid.above + Math.floor((at - grid.low) / grid.columns) * grid.step;
const heightOf = (at) => at < grid.low ? LOW : grid.card;
const columnOf = (at) => (at < grid.low ? at : at - grid.low) % grid.columns;
const firstAt = (y) => y < grid.above ? Math.min(grid.low, Math.max(0, Math.floor(y / grid.lowStep)) * grid.columns)
  : grid.low + Math.floor((y - grid.above) / grid.step) * grid.columns;
// The card above or below, by the eye; null at the end.
const beyond = (at, by) => {
  const goal = at + by * grid.columns, crosses = at < grid.low !== goal < grid.low;
  if (!crosses || !grid.low) return goal < 0 ? null : goal < view.shown.length ? goal : by > 0 && topOf(view.shown.length - 1) > topOf(at) ? view.shown.length - 1 : null;
  const lastRow = Math.floor((grid.low - 1) / grid.columns) * grid.columns;
  if (by < 0) return Math.min(grid.low - 1, lastRow + columnOf(at));
  if (at < lastRow) return grid.low - 1;
  return grid.low < view.shown.length ? Math.min(view.shown.length - 1, grid.low + columnOf(at)) : null;
};
// How far the list has gone by under the window's edge: in pixels of the page, and in those of all rows.
const scrolled = () => {
  const page = -grid.element.getBoundingClientRect().top;
  const ratio = grid.real > grid.height ? (grid.real - innerHeight) / (grid.height - innerHeight) : 1;
  return {page, real: page > 0 ? page * ratio : page, ratio};
};
const place = (cell, at, {page, real}) => {
  const x = columnOf(at) * (grid.width + grid.gap), y = topOf(at);
  cell.style.width = `${grid.width}px`;
  cell.style.height = `${heightOf(at)}px`;
  cell.style.transform = `translate(${x}px, ${y - real + page}px)`;
};
const dropCell = (at) => {
  const cell = grid.cells.get(at);
  emptyMedia(cell);
  cell.remove();
  grid.cells.delete(at);
};
const drawGrid = () => {
  if (view.mode === "time") return;
  const gone = scrolled(), all = view.shown.length;
  const first = firstAt(Math.max(0, gone.real - grid.step));
  const end = Math.min(all, firstAt(Math.max(0, gone.real + innerHeight + grid.step)) + grid.columns);
  const focused = document.activeElement?.closest?.(".cell");
  for (const [at, cell] of grid.cells) if ((at < first || at >= end) && cell !== focused) dropCell(at);
  for (let at = first; at < end; at++) {
    if (!grid.cells.has(at)) addCell(at, all);
  }
  for (const [at, cell] of grid.cells) place(cell, at, gone);
  setTab();
  const jump = Math.abs(gone.real - grid.seen);
  grid.seen = gone.real;
  clearTimeout(grid.timer);
  if (jump < innerHeight / 2) fillCells();
  else grid.timer = setTimeout(fillCells, 90); // who flies by needs no videos
};
const addCell = (at, all) => {
  const cell = makeCard(view.shown[at], at, all, at < grid.low);
  grid.cells.set(at, cell);
  let before = null; // keep the order of reading
  if (grid.cells.has(at + 1)) before = grid.cells.get(at + 1);
  grid.element.insertBefore(cell, before);
};
const fillCells = () => {
  for (const cell of grid.cells.values()) {
    const card = cell.firstElementChild;
    if (card.dataset.filled) continue;
    card.dataset.filled = "1";
    fillMedia(card);
  }
};
// One card at a time is reached by Tab: the one where the arrow keys are.
const setTab = () => {
  const now = grid.cells.has(view.at) ? view.at : Math.min(...grid.cells.keys());
  for (const [at, cell] of grid.cells) cell.firstElementChild.tabIndex = at === now ? 0 : -1;
};
const resetGrid = () => {
  for (const at of [...grid.cells.keys()]) dropCell(at);
  if (view.mode === "time") return;
  measureGrid();
  drawGrid();
};
const showCell = (at) => {
  const y = topOf(at), {page, real, ratio} = scrolled(), bar = byId("bar").offsetHeight;
  const top = y - bar - grid.gap, bottom = y + heightOf(at) + grid.gap - innerHeight;
  const goal = real > top ? top : real < bottom ? bottom : real;
  if (goal !== real) scrollBy({top: (goal > 0 ? goal / ratio : goal) - page, behavior: "instant"});
  drawGrid();
};
const goTo = (at) => {
  view.at = Math.max(0, Math.min(view.shown.length - 1, at));
  showCell(view.at);
  setTab();
  grid.cells.get(view.at)?.firstElementChild.focus({preventScroll: true});
};

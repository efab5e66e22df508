// The head of the page, its controls and the keyboard.
const MOST_GROUPS = 4;

const totals = (() => {
  const sum = {states: STATES.map(() => 0), coins: 0, known: false, files: 0, bytes: 0, from: Infinity, to: -Infinity, bad: 0};
  for (const row of ROWS) {
    sum.states[row[1]]++;
    if (BAD[row[1]]) sum.bad++;
    if (row[6] != null) { sum.coins += row[6]; sum.known = true; }
    const files = row[5] || [], times = row[7] || [];
    for (let at = 1; at < files.length; at += 2) { sum.files++; sum.bytes += files[at]; }
    for (const moment of times.slice(1)) {
      if (moment == null) continue;
      if (moment < sum.from) sum.from = moment;
      if (moment > sum.to) sum.to = moment;
    }
  }
  return sum;
})();

const writeTotals = () => {
  const done = totals.states[STATES.indexOf("done")], wall = totals.to - totals.from;
  const tiles = [
    ["rows done", count(done), done === ROWS.length ? "" : ` / ${count(ROWS.length)}`], ["coins", totals.known ? coinsText(totals.coins) : "–", ""],
    ["files", count(totals.files), ""], ["size", ...sizeText(totals.bytes).split(/(?= )/)],
    ["wall time", ...(wall >= 0 ? spanText(wall).split(/(?= )/) : ["–"])],
  ];
  byId("totals").replaceChildren(...tiles.map(([name, value, unit]) =>
    make("div", {}, make("dt", {text: name}), make("dd", {text: value}, make("small", {text: unit || ""})))));
  byId("share").replaceChildren(...totals.states.map((number, state) => {
    const piece = make("i", {class: `s-${STATES[state]}`, title: `${STATES[state]}: ${count(number)}`});
    piece.style.flexGrow = String(number);
    piece.hidden = number === 0;
    return piece;
  }));
  const when = wall >= 0 ? `Batch started ${momentText(totals.from)}, page` : "Page";
  byId("lede").textContent = `${when} written ${momentText((DATA.now - DATA.base) * 1000)}.`;
};

const groups = (() => {
  const found = new Map();
  for (let index = 0; index < ROWS.length; index++) {
    if (!BAD[ROWS[index][1]]) continue;
    const key = groupOf(index);
    const group = found.get(key);
    if (group === undefined) { found.set(key, {key, first: index, rows: 1, same: true}); continue; }
    group.rows++;
    group.same &&= ROWS[group.first][8] === ROWS[index][8];
  }
  return [...found.values()].sort((a, b) => b.rows - a.rows);
})();
const groupLine = (group) => {
  const row = rowOf(group.first);
  const button = make("button", {type: "button", "aria-pressed": String(view.group === group.key)},
    make("b", {text: count(group.rows)}), pill(row), make("span", {class: "why", text: headOf(group.same ? row.error || MEANINGS[row.status] : group.key), dir: "auto"}));
  button.addEventListener("click", () => change({group: view.group === group.key ? null : group.key, state: null}));
  return make("li", {}, button);
};
let allGroups = false;
const writeErrors = () => {
  byId("errors").hidden = groups.length === 0;
  byId("errors-title").textContent = `${plural(totals.bad, "row")} failed`;
  byId("groups").replaceChildren(...groups.slice(0, allGroups ? 200 : MOST_GROUPS).map(groupLine));
  byId("more-groups").hidden = allGroups || groups.length <= MOST_GROUPS;
  byId("more-groups").textContent = `${plural(groups.length - MOST_GROUPS, "more reason")}`;
};

const filters = [null, ...STATES.keys()].filter((state) => state === null || totals.states[state]);
const writeChips = () => byId("chips").replaceChildren(...filters.map((state, at) => {
  const name = state === null ? "all" : STATES[state], number = state === null ? ROWS.length : totals.states[state];
  const on = view.state === state && (state !== null || view.group === null);
  const chip = make("button", {
    type: "button", class: `chip s-${name}`, "aria-pressed": String(on), "data-state": name,
    title: `${MEANINGS[name] || "every row"} (key ${at + 1})`,
  }, make("i"), make("span", {text: name}), make("b", {text: count(number)}));
  chip.addEventListener("click", () => { change({state, group: null}); byId("chips").children[at].focus(); });
  return chip;
}));

const writeState = () => {
  writeErrors();
  writeChips();
  const none = view.shown.length === 0;
  byId("empty").hidden = !none;
  byId("empty").firstElementChild.textContent = ROWS.length ? "No row matches." : "This batch has no rows yet.";
  byId("clear").hidden = ROWS.length === 0;
  byId("said").textContent = `${plural(view.shown.length, "row")} shown`;
  byId("grid").hidden = view.mode === "time" || none;
  byId("time").hidden = view.mode !== "time" || none;
  byId("play").hidden = view.mode === "time" || !hasVideos;
  byId("play").textContent = videos.on ? "Pause videos" : "Play videos";
  byId("play").setAttribute("aria-pressed", String(!videos.on));
  for (const button of document.querySelectorAll("[data-view]")) button.setAttribute("aria-pressed", String(button.dataset.view === view.mode));
  byId("turn").setAttribute("aria-pressed", String(view.reversed));
};
const hasVideos = ROWS.some((row) => (row[5] || []).some((value) => KIND_OF.get(typeof value === "string" ? suffix(value) : "") === "video"));

// A new choice is polled from its beginning.
const toTop = () => {
  const top = byId("bar").getBoundingClientRect().top, rows = byId("rows").getBoundingClientRect().top - byId("bar").offsetHeight;
  if (top <= 0 && rows < 0) scrollBy({top: rows, behavior: "instant"});
};
const toggleVideos = () => { videos.on = !videos.on; runVideos(); writeState(); };
const setMode = (mode) => {
  change({mode}, true);
  const below = byId("rows").getBoundingClientRect().bottom - innerHeight;
  if (mode === "time" && below > 0) scrollBy({top: Math.min(below, byId("bar").getBoundingClientRect().top), behavior: "instant"});
};
const clearAll = () => { byId("search").value = ""; change({state: null, group: null, words: []}); };

let waiting = 0, asked = false;
byId("search").addEventListener("input", (event) => {
  clearTimeout(waiting);
  waiting = setTimeout(() => change({words: event.target.value.toLowerCase().split(/\s+/).filter(Boolean)}), 80);
});
byId("sort").addEventListener("change", (event) => change({sort: event.target.value}));
byId("turn").addEventListener("click", () => change({reversed: !view.reversed}));
byId("play").addEventListener("click", toggleVideos);
byId("clear").addEventListener("click", clearAll);
byId("more-groups").addEventListener("click", () => { allGroups = true; writeErrors(); drawSoon(); });
for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => setMode(button.dataset.view));
byId("grid").addEventListener("click", (event) => {
  const card = event.target.closest(".card");
  if (card) openDialog(+card.dataset.row);
});
byId("grid").addEventListener("focusin", (event) => {
  const card = event.target.closest(".card");
  if (card) view.at = view.shown.indexOf(+card.dataset.row);
});
plot.element.addEventListener("scroll", () => { plot.tip.hidden = true; drawSoon(); }, {passive: true});
plot.element.addEventListener("pointermove", showTip);
plot.element.addEventListener("pointerleave", () => { plot.tip.hidden = true; });
plot.element.addEventListener("click", (event) => {
  const line = lineAt(event);
  if (line) { view.at = line.at; openDialog(view.shown[line.at]); }
});
byId("zoom-in").addEventListener("click", () => zoomTo(plot.zoom + 1));
byId("zoom-out").addEventListener("click", () => zoomTo(plot.zoom - 1));
byId("zoom-fit").addEventListener("click", () => zoomTo(0));

const drawSoon = () => {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => { asked = false; drawGrid(); drawPlot(); });
};
addEventListener("scroll", drawSoon, {passive: true});
new ResizeObserver(() => { if (view.mode === "time") { measurePlot(); drawPlot(); } else { measureGrid(); drawGrid(); } }).observe(byId("rows"));
addEventListener("resize", drawSoon);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawSoon);
STILL.addEventListener("change", () => { if (videos.on === STILL.matches) toggleVideos(); });

const KEYS_HERE = {
  "/": () => { byId("search").focus(); byId("search").select(); },
  t: () => setMode(view.mode === "time" ? "large" : "time"),
  "+": () => view.mode === "time" && zoomTo(plot.zoom + 1),
  "-": () => view.mode === "time" && zoomTo(plot.zoom - 1),
  " ": () => { if (hasVideos) toggleVideos(); },
};
const move = (key) => {
  const by = {j: 1, k: -1, ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1}[key];
  const end = {Home: 0, End: view.shown.length - 1}[key];
  if ((by === undefined && end === undefined) || !view.shown.length) return false;
  const inside = document.activeElement?.closest("#grid, #plot");
  if (end !== undefined && !inside) return false;
  const up = view.mode !== "time" && (key === "ArrowUp" || key === "ArrowDown");
  const at = end ?? (!inside && view.mode !== "time" ? view.at : up ? beyond(view.at, by) : view.at + by);
  if (at === null || at < 0 || at >= view.shown.length) return true;
  if (view.mode === "time") pointAt(at); else goTo(at);
  return true;
};
addEventListener("keydown", (event) => {
  if (dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = event.target.closest?.("input, select"), pressed = event.target.closest?.("button, a, summary");
  if (event.target.id === "search" && event.key === "Escape") { clearAll(); event.target.blur(); return; }
  if (typing) return;
  if (pressed && (event.key === " " || event.key === "Enter")) return;
  const filter = /^[1-9]$/.test(event.key) ? filters[event.key - 1] : undefined;
  if (filter !== undefined) change({state: filter, group: null});
  else if (event.key === "Enter" && view.mode === "time" && event.target === plot.element && view.shown.length) openDialog(view.shown[view.at]);
  else if (KEYS_HERE[event.key]) KEYS_HERE[event.key]();
  else if (!move(event.key)) return;
  event.preventDefault();
});

view.listeners.push(writeState, toTop, resetGrid, resetPlot);
byId("bar").hidden = false;
if (!totals.bad) { byId("sort").querySelector("[value=errors]").remove(); view.sort = "order"; }
writeTotals();
writeFleet();
refresh();
recallView();
renewSoon();

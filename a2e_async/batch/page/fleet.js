// Who works on the batch, where several processes do, and the page's own renewal while they do.
const FLEET = DATA.fleet || null, RENEW_SECONDS = 5, KEPT = "a2e-batch-view";

const workerLine = (one) => {
  const late = one.silent > one.ttl / 2, gone = one.silent > one.ttl;
  const sign = gone ? "gone: its rows are taken over" : late ? `no sign of life for ${spanText(one.silent * 1000)}` : "at work";
  return make("tr", {class: gone ? "gone" : late ? "late" : ""},
    make("th", {scope: "row", text: one.worker, dir: "auto"}),
    make("td", {text: one.shards.length ? sign : gone ? sign : "waits"}),
    make("td", {text: `${count(one.running)} / ${count(one.places)}`}),
    make("td", {text: plural(one.shards.length, "shard"), title: one.shards.slice(0, 100).join(", ")}),
    make("td", {text: count(one.open)}),
    make("td", {text: one.rate == null ? "–" : `${one.rate.toFixed(one.rate < 10 ? 2 : 0)} /s`}));
};
const writeFleet = () => {
  const section = byId("fleet");
  section.hidden = !FLEET?.workers.length;
  if (section.hidden) return;
  const rate = FLEET.workers.reduce((sum, one) => sum + (one.rate || 0), 0);
  const open = ROWS.reduce((sum, row) => sum + (["planned", "starting", "running", "downloading"].includes(STATES[row[1]]) ? 1 : 0), 0);
  const left = rate > 0 && open ? `, about ${spanText(open / rate * 1000)} left` : "";
  byId("fleet-title").textContent = `${plural(FLEET.workers.filter((one) => one.shards.length).length, "worker")} at work`;
  byId("fleet-rate").textContent = rate > 0 ? `${rate.toFixed(rate < 10 ? 2 : 0)} rows a second${left}` : "";
  byId("fleet-rows").replaceChildren(...FLEET.workers.map(workerLine));
};

// The page is written anew while the batch runs, and loads itself so that nobody loses their place in it.
const keepView = () => {
  const {state, group, words, sort, reversed, mode} = view;
  try {
    sessionStorage.setItem(KEPT, JSON.stringify({state, group, words, sort, reversed, mode, y: scrollY, search: byId("search").value}));
  } catch { /* a browser that keeps nothing for files begins at the top */ }
};
const recallView = () => {
  if (!FLEET?.live) return;
  try {
    const {y, search, ...kept} = JSON.parse(sessionStorage.getItem(KEPT) || "{}");
    sessionStorage.removeItem(KEPT);
    if (kept.mode === undefined) return;
    byId("search").value = search || "";
    if (kept.sort === "errors" && !totals.bad) kept.sort = "order";
    byId("sort").value = kept.sort;
    change(kept);
    scrollTo({top: y, behavior: "instant"});
  } catch { /* as above */ }
};
const renewSoon = () => {
  if (!FLEET?.live) return;
  setInterval(() => {
    if (document.hidden || dialog.open || document.activeElement === byId("search")) return;
    keepView();
    location.reload();
  }, RENEW_SECONDS * 1000);
};

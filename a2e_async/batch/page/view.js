// What is shown and in which order: `view.shown` holds the numbers of the rows, and whoever draws listens.
const view = {
  shown: [], at: 0, state: null, group: null, words: [], sort: "errors", reversed: false, mode: "large", listeners: [],
};
const texts = []; // what is searched in, made when first asked for
const textOf = (index) => {
  if (texts[index] === undefined) {
    const row = rowOf(index);
    texts[index] = [row.id, row.family, row.prompt, row.negative, row.error, row.tag, ...row.ids,
      ...row.files.map((file) => file.path), ...Object.values(row.settings)].join("\n").toLowerCase();
  }
  return texts[index];
};

const matches = (index) => {
  if (view.state !== null && ROWS[index][1] !== view.state) return false;
  if (view.group !== null && (!BAD[ROWS[index][1]] || groupOf(index) !== view.group)) return false;
  return view.words.length === 0 || view.words.every((word) => textOf(index).includes(word));
};
// Ids and figures tell apart what is the same trouble.
const groupOf = (index) => (ROWS[index][8] || "")
  .slice(0, 400).replace(/https?:\S+/g, "…").replace(/\b(?=\w*\d)\w{6,}\b/g, "…").replace(/\d+/g, "…");

const KEYS = {
  errors: (index) => BAD[ROWS[index][1]] ? 0 : 1,
  order: () => 0,
  status: (index) => ROWS[index][1],
  duration: durationOf,
  coins: coinsOf,
};
// Rows without the value come last, whichever way the others go.
const sorted = (indexes) => {
  const key = KEYS[view.sort], turned = view.reversed ? -1 : 1, keys = new Float64Array(ROWS.length);
  const sign = view.sort === "errors" ? 1 : turned; // errors stay first
  for (const index of indexes) keys[index] = key(index) ?? Infinity;
  const last = (index) => keys[index] === Infinity;
  return indexes.sort((a, b) => last(a) || last(b) ? last(a) - last(b) || a - b
    : sign * (keys[a] - keys[b]) || turned * (a - b));
};
const refresh = (keep = false) => {
  const current = view.shown[view.at];
  const indexes = [];
  for (let index = 0; index < ROWS.length; index++) if (matches(index)) indexes.push(index);
  view.shown = sorted(indexes);
  view.at = keep ? Math.max(0, view.shown.indexOf(current)) : 0;
  for (const listener of view.listeners) listener();
};
const change = (values, keep = false) => { Object.assign(view, values); refresh(keep); };

// The rows as they stand in the page, what is read from them, and how it is said. Everything that comes from outside
// reaches the document as text or as an encoded relative link.
const DATA = JSON.parse(document.getElementById("data").textContent);
document.getElementById("data").remove();
const ROWS = DATA.rows, BAD = DATA.states.map((state) => state[1] === 1);
const STATES = DATA.states.map((state) => state[0]);
const MEANINGS = {
  planned: "not started yet", starting: "its start request is being sent", running: "running at the service",
  downloading: "its files are not here yet", done: "its files are here", failed: "its task failed",
  refused: "its start was refused", unknown: "its start may have been taken",
  expired: "the service no longer has its result",
};
const KINDS = {
  image: "png jpg jpeg webp gif avif", video: "mp4 webm mov", audio: "mp3 wav m4a ogg flac",
};
const KIND_OF = new Map(Object.entries(KINDS).flatMap(([kind, all]) => all.split(" ").map((end) => [end, kind])));
const shared = (words, value) => typeof value === "number" ? words[value - 1] : value;
const suffix = (path) => path.slice(path.lastIndexOf(".") + 1).toLowerCase();

const rowOf = (index) => {
  const row = ROWS[index], files = row[5] || [], times = row[7] || [];
  return {
    index, id: row[0], state: row[1], status: STATES[row[1]], bad: BAD[row[1]],
    family: shared(DATA.families, row[2]) || "", prompt: row[3] || "", negative: row[4] || "",
    files: filesOf(files), coins: coinsOf(index), planned: times[0] ?? null, intended: times[1] ?? null,
    accepted: times[2] ?? null, finished: times[3] ?? null, done: times[4] ?? null, error: row[8] || "",
    ids: row[9] || [], settings: row[10] ? shared(DATA.settings, row[10]) : {}, attempt: row[11] || 1,
    tag: row[12] || "", inputs: inputsOf(row[13] || []), own: row[14] || {},
  };
};
const filesOf = (flat) => {
  const files = [];
  for (let at = 0; at < flat.length; at += 2) {
    const path = flat[at];
    files.push({path, link: linkTo(path), bytes: flat[at + 1], kind: KIND_OF.get(suffix(path)) || "other"});
  }
  return files;
};
// Files of this machine that the row has taken; what no browser shows is named only.
const inputsOf = (flat) => {
  const inputs = [];
  for (let at = 0; at < flat.length; at += 2) inputs.push({path: flat[at], link: linkTo(flat[at + 1]), kind: KIND_OF.get(suffix(flat[at])) || "other"});
  return inputs;
};
// No empty part, or a path that begins with two slashes would be another host.
const linkTo = (path) => {
  try {
    return "./" + path.split("/").filter(Boolean).map(encodeURIComponent).join("/");
  } catch { // half a surrogate pair
    return "";
  }
};
const coinsOf = (index) => ROWS[index][6] ?? null;
const durationOf = (index) => {
  const times = ROWS[index][7] || [];
  return times[1] == null || times[3] == null ? null : times[3] - times[1];
};

const count = (number) => Math.round(number).toLocaleString("en");
const coinsText = (coins) => coins.toLocaleString("en", {maximumFractionDigits: 2});
const plural = (number, word) => `${count(number)} ${word}${number === 1 ? "" : "s"}`;
const sizeText = (bytes) => {
  for (const unit of ["B", "kB", "MB", "GB"]) {
    if (bytes < 999.5) return `${unit === "B" || bytes >= 99.5 ? Math.round(bytes) : bytes.toFixed(1)} ${unit}`;
    bytes /= 1000;
  }
  return `${bytes.toFixed(1)} TB`;
};
const two = (number) => String(number).padStart(2, "0");
const spanText = (ms) => {
  if (ms < 950) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000), minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}:${two(seconds % 60)} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours}:${two(minutes % 60)} h` : `${(hours / 24).toFixed(1)} days`;
};
const WHEN = new Intl.DateTimeFormat("en-GB", {dateStyle: "medium", timeStyle: "medium"});
const momentText = (ms) => WHEN.format(new Date(DATA.base * 1000 + ms));

const byId = (id) => document.getElementById(id);
const make = (tag, given = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (name === "class") element.className = value;
    else if (name === "text") element.textContent = value;
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
};

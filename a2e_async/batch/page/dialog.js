// One row large: its files on the stage, everything that is known of it beside them.
const dialog = byId("dialog"), stage = byId("stage");

const playerOf = () => stage.querySelector(".now video, .now audio");
const stagePlayer = (file, row) => {
  const tag = file.kind === "video" ? "video" : "audio";
  const player = make(tag, {controls: true, loop: tag === "video", muted: tag === "video", preload: "metadata", "aria-label": file.path});
  if (tag === "video") Object.assign(player, {playsInline: true, poster: posterOf(row)});
  player.addEventListener("error", () => player.replaceWith(missing(file.path)), {once: true});
  player.src = file.link;
  if (tag === "video" && videos.on) player.play().catch(() => {});
  return player;
};
const stageMedia = (file, row) => {
  if (file.kind === "video") return stagePlayer(file, row);
  if (file.kind === "audio") return make("div", {class: "note"}, sign("audio"), make("span", {text: file.path, dir: "auto"}), stagePlayer(file, row));
  if (file.kind === "other") return make("div", {class: "note"}, sign("other"), make("a", {href: file.link, text: file.path, dir: "auto"}));
  const image = make("img", {alt: row.prompt ? row.prompt.slice(0, 300) : file.path});
  image.addEventListener("error", () => image.replaceWith(missing(file.path)), {once: true});
  image.src = file.link;
  return image;
};
const emptyStage = () => {
  for (const player of stage.querySelectorAll("video, audio")) {
    player.pause();
    player.removeAttribute("src");
    player.load();
  }
  stage.replaceChildren();
};
const setStage = (row, chosen) => {
  emptyStage();
  const file = row.files[chosen];
  stage.append(make("div", {class: "now"}, file ? stageMedia(file, row) : noFile(row, MEANINGS[row.status])));
  const taken = takenBy(row).slice(0, 6);
  if (taken.length) stage.append(make("figure", {class: "from"}, make("figcaption", {text: "made from"}), ...taken.map((one) => takenTile(one, one.path))));
  dialog.firstElementChild.classList.toggle("bare", !file);
  if (row.files.length < 2) return;
  stage.append(make("div", {class: "strip", role: "group", "aria-label": "Files"}, ...row.files.slice(0, 24).map((other, at) => {
    const inside = other.kind === "image" ? make("img", {alt: "", src: other.link}) : make("span", {text: suffix(other.path)});
    const button = make("button", {type: "button", "aria-label": other.path, "aria-pressed": String(at === chosen)}, inside);
    button.addEventListener("click", () => { setStage(row, at); stage.querySelectorAll(".strip button")[at].focus(); });
    return button;
  })));
};

const part = (name, ...children) => make("section", {}, make("h3", {text: name}), ...children);
const words = (name, text, kind = "") => text ? [part(name, make("p", {class: `text ${kind}`, text, dir: "auto"}))] : [];
const table = (pairs) => make("dl", {class: "pairs"}, ...pairs.flatMap(([name, ...value]) =>
  [make("dt", {text: name}), make("dd", {dir: "auto"}, ...value)]));
const settingOf = (name, value) => {
  const number = numberOf(name === "image_from" ? value : referenceOf(value)?.[1]);
  if (number !== undefined) {
    const button = make("button", {type: "button", class: "link", text: value});
    button.addEventListener("click", () => fillDialog(number));
    return [name, button];
  }
  return [name, /^https?:\/\//i.test(value) ? make("a", {href: value, text: value, rel: "noreferrer noopener", target: "_blank"}) : String(value)];
};
const barOf = (row) => {
  const {queue, run, download} = barsOf(row.index), spans = [["queue", queue], ["run", run], ["download", download]].filter(([, span]) => span);
  const whole = Math.max(1, spans.reduce((sum, [, span]) => sum + span[1] - span[0], 0));
  const pieces = spans.map(([name, span]) => {
    const piece = make("i", {class: name === "run" && row.bad ? "failed" : name});
    piece.style.flexGrow = String(Math.max(0.01, (span[1] - span[0]) / whole));
    return piece;
  });
  const says = spans.map(([name, span]) => make("span", {class: name === "run" && row.bad ? "failed" : name, text: `${name} ${lengthOf(span)}`}));
  return spans.length ? [part("Time", make("div", {class: "spans", "aria-hidden": "true"}, ...pieces), make("p", {class: "legend"}, ...says))] : [];
};
const fileLine = (file) => make("li", {}, make("a", {href: file.link, text: file.path, dir: "auto", target: "_blank", rel: "noopener"}),
  make("span", {text: sizeText(file.bytes)}));
const aboutOf = (row) => {
  const facts = [["family", row.family], ["row", count(row.index + 1)]];
  if (row.attempt > 1) facts.push(["attempt", String(row.attempt)]);
  if (row.coins !== null) facts.push(["coins", coinsText(row.coins)]);
  if (row.intended !== null) facts.push(["started", momentText(row.intended)]);
  if (row.finished !== null) facts.push(["finished", momentText(row.finished)]);
  for (const id of row.ids) facts.push(["task", make("code", {text: id})]);
  if (row.tag) facts.push(["tag", make("code", {text: row.tag})]);
  const settings = Object.entries(row.settings).map(([name, value]) => settingOf(name, value));
  return [
    ...words("Why it failed", row.bad ? row.error || MEANINGS[row.status] : "", "bad"), ...words("Note", row.bad ? "" : row.error),
    ...words("Prompt", row.prompt), ...words("Negative prompt", row.negative, "soft"), ...barOf(row),
    ...(row.files.length ? [part(plural(row.files.length, "file"), make("ul", {class: "files"}, ...row.files.map(fileLine)))] : []),
    ...(Object.keys(row.own).length ? [part("Own columns", table(Object.entries(row.own).map(([name, value]) => [name, String(value)])))] : []),
    part("Facts", table(facts)), ...(settings.length ? [part("Settings", table(settings))] : []),
  ];
};
const fillDialog = (index) => {
  const row = rowOf(index), at = view.shown.indexOf(index), state = byId("dialog-state");
  dialog.dataset.row = index;
  byId("dialog-title").textContent = row.id;
  Object.assign(state, {className: `pill s-${row.status}`, textContent: row.status, title: MEANINGS[row.status] || ""});
  setStage(row, Math.max(0, row.files.findIndex((file) => file.kind !== "other")));
  byId("about").replaceChildren(...aboutOf(row));
  dialog.querySelector(".about").scrollTop = 0;
  byId("place").textContent = at < 0 ? "" : `${count(at + 1)} of ${count(view.shown.length)}`;
  byId("back").disabled = at <= 0;
  byId("on").disabled = at < 0 || at >= view.shown.length - 1;
  if (at >= 0) view.at = at;
};
const openDialog = (index) => {
  for (const video of videos.inView) video.pause(); // one video at a time
  fillDialog(index);
  if (!dialog.open) dialog.showModal();
  dialog.firstElementChild.focus();
};
const step = (by) => {
  const at = view.shown.indexOf(+dialog.dataset.row) + by;
  if (at < 0 || at >= view.shown.length) return;
  fillDialog(view.shown[at]);
  if (document.activeElement?.disabled || document.activeElement === document.body) dialog.firstElementChild.focus();
};
const togglePlayer = () => {
  const player = playerOf();
  if (player) player.paused ? player.play().catch(() => {}) : player.pause();
};
// Not upon "close", which comes a moment later, when the next key may have been pressed.
const closeDialog = () => {
  dialog.close();
  const at = view.shown.indexOf(+dialog.dataset.row); // by now the browser has put the focus back to where it was
  if (at >= 0) view.at = at;
  emptyStage();
  runVideos();
  if (view.mode === "time") { pointAt(view.at); plot.element.focus(); } else goTo(view.at);
};
dialog.addEventListener("cancel", (event) => { event.preventDefault(); closeDialog(); });
dialog.addEventListener("click", (event) => { if (event.target === dialog) closeDialog(); });
dialog.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const button = event.target.closest("button, a");
  const by = {ArrowLeft: -1, ArrowUp: -1, k: -1, ArrowRight: 1, ArrowDown: 1, j: 1}[event.key];
  if (event.key === " " && !button) togglePlayer();
  else if (by && !event.target.closest("audio")) step(by);
  else return;
  event.preventDefault();
});
byId("close").addEventListener("click", closeDialog);
byId("back").addEventListener("click", () => step(-1));
byId("on").addEventListener("click", () => step(1));

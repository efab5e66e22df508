// One row as a card, and the images and videos in it. Videos play while they are in view.
const STILL = matchMedia("(prefers-reduced-motion: reduce)");
const MOST_PLAYING = 32, MOST_TILES = 4;
const videos = {on: !STILL.matches, inView: new Set()};

const runVideos = () => {
  let playing = 0;
  for (const video of videos.inView) {
    if (videos.on && playing++ < MOST_PLAYING) video.play().catch(() => {});
    else video.pause();
  }
};
const watcher = new IntersectionObserver((changes) => {
  for (const {target, isIntersecting} of changes) {
    if (isIntersecting) videos.inView.add(target);
    else if (videos.inView.delete(target)) target.pause();
  }
  runVideos();
}, {threshold: 0.25});

let numbers = null; // of the rows by id, made when a chained row is first shown
const numberOf = (id) => (numbers ??= new Map(ROWS.map((row, index) => [row[0], index]))).get(id);
// The rows whose outputs this one takes, however it names them: image_from, row:ID or row:ID#2.
const referenceOf = (value) => /^row:(.+?)(?:#(\d{1,4}))?$/i.exec(value);
const sourcesOf = (row) => Object.entries(row.settings).flatMap(([name, value]) => {
  const named = name === "image_from" ? [[value, 1]] : String(value).split(" ").map((one) => referenceOf(one)).filter(Boolean).map((found) => [found[1], +(found[2] || 1)]);
  return named.map(([id, output]) => [numberOf(id), output]).filter(([index]) => index !== undefined);
});
// What stands beside its files: the files it has taken, and what other rows have made for it.
const takenBy = (row) => [...row.inputs, ...sourcesOf(row).flatMap(([index, output]) => rowOf(index).files.slice(output - 1, output))]
  .filter((file) => file.kind === "image" || file.kind === "video");
const posterOf = (row) => takenBy(row).find((file) => file.kind === "image")?.link || "";
const takenTile = (file, label) => {
  const tile = file.kind === "image" ? make("img", {alt: label, decoding: "async", draggable: false, class: "taken"})
    : make("video", {muted: true, playsInline: true, tabIndex: -1, preload: "metadata", class: "taken", "aria-label": label});
  tile.addEventListener("error", () => tile.remove(), {once: true}); // a file that is gone since is no matter of the page
  tile.src = file.link;
  return tile;
};

const missing = (path) => make("span", {class: "note", text: `${path} cannot be shown`, dir: "auto"});
const imageTile = (file) => {
  const image = make("img", {alt: "", decoding: "async", draggable: false});
  image.addEventListener("error", () => image.replaceWith(missing(file.path)), {once: true});
  image.src = file.link;
  return image;
};
const videoTile = (file, row) => {
  const video = make("video", {muted: true, loop: true, playsInline: true, tabIndex: -1, preload: "metadata"});
  const poster = posterOf(row);
  if (poster) video.poster = poster;
  video.addEventListener("error", () => { dropVideo(video); video.replaceWith(missing(file.path)); }, {once: true});
  video.src = file.link;
  watcher.observe(video);
  return video;
};
const dropVideo = (video) => { watcher.unobserve(video); videos.inView.delete(video); video.pause(); };
const SIGN = {
  audio: "M9 18V6l10-2v12M9 18a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0Zm10-2a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0Z",
  other: "M6 3h8l4 4v14H6zM14 3v4h4",
  bad: "M12 4 2.5 20h19zM12 10v4.5M12 17v.5",
  waits: "M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17ZM12 7.5V12l3 2",
};
const sign = (name) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SIGN[name]);
  svg.append(path);
  return svg;
};
const fileTile = (file) =>
  make("span", {class: "note"}, sign(file.kind === "audio" ? "audio" : "other"), make("span", {text: file.path, dir: "auto"}));
const noFile = (row, text = row.error || MEANINGS[row.status]) => row.bad
  ? make("span", {class: "note bad"}, sign("bad"), make("span", {class: "why", text, dir: "auto"}))
  : make("span", {class: "note"}, sign("waits"), make("span", {text: MEANINGS[row.status] || row.status}));

const fillMedia = (card) => {
  const row = rowOf(+card.dataset.row), media = card.querySelector(".media");
  if (!media) return;
  const seen = row.files.filter((file) => file.kind === "image" || file.kind === "video").slice(0, MOST_TILES);
  const tiles = seen.map((file) => file.kind === "image" ? imageTile(file) : videoTile(file, row));
  if (tiles.length) media.replaceChildren(...tiles);
  else media.replaceChildren(row.files.length ? fileTile(row.files[0]) : noFile(row));
  media.dataset.tiles = tiles.length;
  const from = tiles.length ? takenBy(row)[0] : undefined;
  if (from) media.append(takenTile(from, ""));
  if (row.files.length > Math.max(1, tiles.length)) media.append(make("span", {class: "badge", text: `${row.files.length} files`}));
  else if (seen.length && seen.every((file) => file.kind === "video")) media.append(make("span", {class: "badge video"}));
};
const emptyMedia = (card) => {
  for (const video of card.querySelectorAll("video")) {
    dropVideo(video);
    video.removeAttribute("src"); // lets go of the decoder at once
    video.load();
  }
};
const pill = (row) => make("span", {class: `pill s-${row.status}`, text: row.status});
const factsOf = (row) => {
  const duration = durationOf(row.index);
  return [row.coins === null ? "" : `${coinsText(row.coins)} coins`, duration === null ? "" : spanText(duration)]
    .filter(Boolean).join(" · ");
};
const headOf = (text) => text.length > 400 ? `${text.slice(0, 400)}…` : text;
const makeCard = (index, place, all, low) => {
  const row = rowOf(index);
  const label = `${row.id}, ${row.status}${row.bad && row.error ? `: ${row.error.slice(0, 200)}` : ""}. ${row.prompt.slice(0, 200)}`;
  const card = make("button", {
    type: "button", class: `card${row.bad ? " bad" : ""}${low ? " low" : ""}`, "data-row": String(index), "aria-haspopup": "dialog",
    "aria-label": label, tabIndex: -1,
  },
  ...(low ? [] : [make("span", {class: "media"})]),
  make("span", {class: "words"},
    make("span", {class: "card-head"}, make("b", {text: row.id, dir: "auto"}), pill(row)),
    ...(low ? [make("span", {class: "why", text: headOf(row.error || MEANINGS[row.status]), dir: "auto"})] : []),
    make("span", {class: "prompt", text: headOf(row.prompt || row.negative || row.family), dir: "auto"}),
    make("span", {class: "facts"}, make("span", {text: row.family.replaceAll("_", " ")}), make("span", {text: factsOf(row)}))));
  return make("li", {class: "cell", "aria-posinset": String(place + 1), "aria-setsize": String(all)}, card);
};

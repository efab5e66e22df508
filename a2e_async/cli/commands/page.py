"""The demo's page: one HTML file that shows the videos and images beside it, without any network.

Everything that comes from outside is escaped on its way into a template; links are relative and percent-encoded.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from string import Template
from urllib.parse import quote

import attrs


@attrs.frozen(kw_only=True)
class Card:
    """One video and the image it was made from.

    Attributes:
        title: A few words.
        image_prompt: What the image was asked to show.
        video_prompt: What was asked to happen in the video.
        negative_prompt: What was asked not to be seen.
        image: File name of the image, beside the page.
        video: File name of the video, beside the page.
        coins: What both have cost.
        seconds: How long both have taken.
    """

    title: str
    image_prompt: str
    video_prompt: str
    negative_prompt: str
    image: str
    video: str
    coins: float
    seconds: float


@attrs.frozen(kw_only=True)
class Totals:
    """What it all came to.

    Attributes:
        jobs: Jobs started.
        status_requests: Requests that watched them.
        coins: Coins charged.
        seconds: Time from the first start to the last file.
    """

    jobs: int
    status_requests: int
    coins: float
    seconds: float


def render(cards: Sequence[Card], totals: Totals, *, title: str = "a2e demo") -> str:
    """Give the page."""
    return _PAGE.substitute(
        title=escape(title),
        style=_STYLE,
        script=_SCRIPT,
        totals="".join(_tile(words, value) for words, value in _tiles(totals)),
        cards="".join(_card(card, number) for number, card in enumerate(cards, 1)),
        count=len(cards),
    )


def _tiles(totals: Totals) -> list[tuple[str, str]]:
    return [
        ("jobs", f"{totals.jobs}"),
        ("status requests", f"{totals.status_requests}"),
        ("coins (simulated)", f"{totals.coins:g}"),
        ("seconds", f"{totals.seconds:.1f}"),
    ]


def _tile(words: str, value: str) -> str:
    return f"<div><dt>{escape(words)}</dt><dd>{escape(value)}</dd></div>"


def _card(card: Card, number: int) -> str:
    return _CARD.substitute(
        number=number,
        title=escape(card.title),
        image=escape(quote(card.image)),
        video=escape(quote(card.video)),
        image_prompt=escape(card.image_prompt),
        video_prompt=escape(card.video_prompt),
        negative_prompt=escape(card.negative_prompt),
        coins=escape(f"{card.coins:g}"),
        seconds=escape(f"{card.seconds:.1f}"),
    )


_CARD = Template("""
    <li class="card">
      <article aria-labelledby="video-$number">
        <video controls loop muted autoplay playsinline preload="metadata" poster="$image"
               aria-label="Video: $title"><source src="$video" type="video/mp4"></video>
        <div class="words">
          <header>
            <h2 id="video-$number">$title</h2>
            <p class="facts">$coins coins · $seconds s</p>
          </header>
          <div class="source">
            <a href="$image"><img src="$image" alt="Image: $image_prompt" width="88" height="88"></a>
            <p><b>Image prompt</b> $image_prompt</p>
          </div>
          <p><b>Video prompt</b> $video_prompt</p>
          <p class="not"><b>Negative prompt</b> $negative_prompt</p>
        </div>
      </article>
    </li>""")

_STYLE = """
  :root {
    color-scheme: light dark;
    --ground: #f6f4ef; --paper: #fffefb; --ink: #1c1b18; --soft: #6a665d; --line: #e2ddd2; --accent: #b4481e;
    --shadow: 0 1px 2px rgb(60 50 30 / .06), 0 8px 28px rgb(60 50 30 / .08);
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --ground: #121315; --paper: #1b1d20; --ink: #f0eee9; --soft: #a09c94; --line: #2d3035; --accent: #ff9466;
      --shadow: 0 1px 2px rgb(0 0 0 / .4), 0 10px 32px rgb(0 0 0 / .35);
    }
  }
  * { box-sizing: border-box; margin: 0; }
  body {
    background: var(--ground); color: var(--ink); padding: clamp(1.25rem, 4vw, 4rem) clamp(1rem, 4vw, 4rem) 4rem;
    font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  }
  main, .top, footer { max-width: 82rem; margin-inline: auto; }
  .skip { position: absolute; left: -99rem; }
  .skip:focus { left: 1rem; top: 1rem; background: var(--paper); padding: .5rem 1rem; border-radius: .5rem; }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: .4rem; }
  .top { display: grid; gap: 1.75rem; margin-bottom: clamp(1.75rem, 4vw, 3rem); }
  h1 { font-size: clamp(1.7rem, 7.2vw, 3.4rem); line-height: 1.08; letter-spacing: -.03em; font-weight: 700; }
  h1 span { color: var(--accent); }
  .lede { color: var(--soft); max-width: 46rem; margin-top: .75rem; font-size: 1.08rem; }
  .totals { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr));
            border-block: 1px solid var(--line); }
  .totals div { padding: 1rem 1.25rem 1rem 0; display: flex; flex-direction: column-reverse; }
  .totals dd { font-size: 2rem; line-height: 1.15; font-weight: 650; letter-spacing: -.02em;
               font-variant-numeric: tabular-nums; }
  .totals dt { color: var(--soft); font-size: .86rem; }
  button {
    justify-self: start; font: inherit; font-weight: 600; color: var(--ink); background: var(--paper); cursor: pointer;
    border: 1px solid var(--line); border-radius: 99rem; padding: .5rem 1.15rem; box-shadow: var(--shadow);
  }
  button:hover { border-color: var(--accent); }
  .cards { list-style: none; padding: 0; display: grid; gap: clamp(1.1rem, 2.4vw, 2rem);
           grid-template-columns: repeat(auto-fill, minmax(min(22rem, 100%), 1fr)); }
  .card, article { display: flex; }
  article { flex-direction: column; width: 100%; background: var(--paper); border: 1px solid var(--line);
            border-radius: 1rem; overflow: hidden; box-shadow: var(--shadow); }
  video { display: block; width: 100%; aspect-ratio: 16 / 9; object-fit: cover; background: #000; }
  .words { padding: 1.15rem 1.3rem 1.35rem; display: grid; gap: .8rem; align-content: start; }
  .words header { display: flex; justify-content: space-between; align-items: baseline; gap: 1rem; }
  h2 { font-size: 1.2rem; line-height: 1.25; letter-spacing: -.01em; }
  .facts { color: var(--soft); font-size: .84rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
  .source { display: flex; gap: .95rem; align-items: flex-start; }
  .source a { flex: none; line-height: 0; }
  .source img { width: 5.5rem; height: 5.5rem; object-fit: cover; border-radius: .6rem; border: 1px solid var(--line); }
  .words p { font-size: .95rem; overflow-wrap: anywhere; }
  .words b { display: block; font-size: .72rem; letter-spacing: .07em; text-transform: uppercase;
             color: var(--accent); }
  .words .not, .words .not b { color: var(--soft); }
  footer { margin-top: 2.75rem; color: var(--soft); font-size: .88rem; }
  footer code { font-size: .95em; }
"""

# Autoplay alone leaves videos out of sight standing; whoever has asked for less motion gets the posters.
_SCRIPT = """
  const videos = [...document.querySelectorAll("video")], all = document.getElementById("all");
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const set = (on) => {
    videos.forEach((video) => on ? video.play().catch(() => {}) : video.pause());
    all.textContent = on ? "Pause all videos" : "Play all videos";
    all.dataset.on = on;
  };
  all.hidden = false;
  all.addEventListener("click", () => set(all.dataset.on !== "true"));
  if (still) videos.forEach((video) => video.removeAttribute("autoplay"));
  set(!still);
"""

_PAGE = Template("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="a2e">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>$title</title>
<link rel="icon" href="data:,">
<style>$style</style>
</head>
<body>
  <a class="skip" href="#videos">Skip to the videos</a>
  <header class="top">
    <div>
      <h1>Prompts into images,<br><span>images into videos.</span></h1>
      <p class="lede">All jobs ran at once, each video from the moment its image was there, and one poller watched
      them all. The media come from the simulator of a2e-async: no coins were spent.</p>
    </div>
    <dl class="totals">$totals</dl>
    <button id="all" type="button" hidden>Pause all videos</button>
  </header>
  <main id="videos" tabindex="-1">
    <ul class="cards">$cards
    </ul>
  </main>
  <footer>Made by <code>a2e demo</code>: $count images, $count videos, all beside this page.</footer>
  <script>$script</script>
</body>
</html>
""")

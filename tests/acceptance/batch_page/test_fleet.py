"""The page of a batch that several processes work on: who they are, and its own renewal."""

from __future__ import annotations

from batch_pages import NEEDS_A_BROWSER, NOW, entry

from a2e_async.batch.report import write_report
from a2e_async.store.entries import State

pytestmark = NEEDS_A_BROWSER


def worker(name, **more):
    """Give a worker as the report has it."""
    usual = {
        "lease": 1,
        "silent": 0.5,
        "ttl": 10.0,
        "places": 5,
        "running": 3,
        "shards": [1, 2],
        "open": 7,
        "rate": 2.5,
    }
    return {"worker": name, "shards": [1, 2], **usual, **more}


def written(folder, *, live, workers):
    """Write the page of two rows."""
    given = [entry("kite"), entry("boat", State.PLANNED)]
    return write_report(folder, given, now=NOW + 60, fleet={"workers": workers, "live": live}, hosts=True)


async def test_who_works_is_shown(browser, tmp_path):
    """Each with its state, its places, its shards and its rate; a name that looks like markup is text."""
    workers = [worker("a <b>host</b> 7"), worker("b 8", silent=11, rate=None), worker("c 9", shards=[], running=0)]
    page = await browser.open(written(tmp_path, live=False, workers=workers))
    assert await page.inner_text("#fleet-title") == "2 workers at work"
    lines = await page.eval_on_selector_all("#fleet-rows tr", "rows => rows.map(row => row.innerText.split('\\t'))")
    assert lines == [
        ["a <b>host</b> 7", "at work", "3 / 5", "2 shards", "7", "2.50 /s"],
        ["b 8", "gone: its rows are taken over", "3 / 5", "2 shards", "7", "\u2013"],
        ["c 9", "waits", "0 / 5", "0 shards", "7", "2.50 /s"],
    ]


async def test_it_renews_itself_and_keeps_its_place(browser, tmp_path):
    """What was searched and chosen is so again, with what was written meanwhile."""
    page = await browser.open(written(tmp_path, live=True, workers=[worker("a 7")]))
    await page.click("[data-state=planned]")
    await page.evaluate("() => { window.before = true; }")
    written(tmp_path, live=True, workers=[worker("a 7"), worker("b 8")])
    await page.wait_for_function("() => !window.before && document.querySelectorAll('#fleet-rows tr').length === 2")
    assert await page.get_attribute("[data-state=planned]", "aria-pressed") == "true"


async def test_one_process_has_no_such_table(browser, batch):
    """Its page is as it was."""
    page = await browser.open(batch)
    assert not await page.is_visible("#fleet")

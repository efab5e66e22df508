"""The simulator over loopback, asked by a bare HTTP session."""

from __future__ import annotations

import asyncio
import io
import json
import time

import aiohttp
import pytest

from a2e_async.simulator import ManualClock, serve

I2V, T2I = "/api/v1/userImage2Video", "/api/v1/userText2Image"
VIDEO = {"prompt": "it climbs", "negative_prompt": "blurry", "image_url": "http://example.com/a.png"}
BALANCE = "/api/v1/user/remainingCoins"


def caller(sim):
    """Make a session that has the token."""
    return aiohttp.ClientSession(sim.url, headers={"Authorization": f"Bearer {sim.token}"})


async def completed(session, path, task_id):
    """Look until a task is completed."""
    async with asyncio.timeout(5):
        while True:
            async with session.get(f"{path}/{task_id}") as reply:
                record = (await reply.json())["data"]
            if record["current_status"] == "completed":
                return record
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("media", ["pretty", "plain", "tiny"])
async def test_a_image_becomes_a_video(media):
    """The whole way: image, video of that image, both downloaded."""
    async with serve(speed=200, media=media) as sim, caller(sim) as api, aiohttp.ClientSession() as bare:
        async with api.post(f"{T2I}/start", json={"prompt": "a kite", "width": 320, "height": 240}) as reply:
            image = (await reply.json())["data"][0]
        link = (await completed(api, T2I, image["_id"]))["image_urls"][0]
        async with api.post(f"{I2V}/start", json={**VIDEO, "image_url": link}) as reply:
            video = (await reply.json())["data"]
        found = await completed(api, I2V, video["_id"])
        async with bare.get(link) as one, bare.get(found["result_url"]) as other:
            assert (await one.read())[:8] == b"\x89PNG\r\n\x1a\n"
            assert (await other.read())[4:8] == b"ftyp"
            assert (one.content_type, other.content_type) == ("image/png", "video/mp4")
        assert (sim.book.spent, sim.world.coins) == (40, 9_960)


async def test_ranges_and_head_over_the_wire():
    """Parts of a file fit together, HEAD tells the length."""
    async with serve(media="tiny", task_seconds=0) as sim, caller(sim) as api, aiohttp.ClientSession() as bare:
        async with api.post(f"{I2V}/start", json=VIDEO) as reply:
            link = (await reply.json())["data"]["result_url"]
        async with bare.get(link) as reply:
            whole, etag = await reply.read(), reply.headers["ETag"]
        async with bare.get(link, headers={"Range": "bytes=100-", "If-Range": etag}) as reply:
            assert (reply.status, await reply.read()) == (206, whole[100:])
        async with bare.get(link, headers={"Range": "bytes=100-", "If-Range": '"old"'}) as reply:
            assert (reply.status, await reply.read()) == (200, whole)
        async with bare.get(link, headers={"Range": f"bytes={len(whole)}-"}) as reply:
            assert (reply.status, reply.headers["Content-Range"]) == (416, f"bytes */{len(whole)}")
        async with bare.head(link) as reply:
            assert (reply.status, reply.headers["Content-Length"], await reply.read()) == (200, str(len(whole)), b"")


async def test_an_upload_goes_in_and_comes_out():
    """Presign, PUT of several megabytes, CDN; odd characters in keys survive."""
    content = bytes(range(256)) * 8192
    async with serve(media="tiny") as sim, caller(sim) as api, aiohttp.ClientSession() as bare:
        body = {"key": "in/ä b+c.png", "contentType": "image/png", "fileSize": len(content)}
        async with api.post("/api/v1/r2/upload-presigned-url", json=body) as reply:
            where = (await reply.json())["data"]
        async with bare.put(
            where["uploadUrl"], data=io.BytesIO(content), headers={"Content-Type": "image/png"}
        ) as reply:
            assert reply.status == 200
        async with bare.get(where["cdnUrl"]) as reply:
            assert (await reply.read(), reply.content_type) == (content, "image/png")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_reset_looks_the_same_before_and_after_the_work(when):
    """The client sees a broken connection; only the book knows whether the task is there."""
    async with serve(media="tiny") as sim, caller(sim) as api:
        sim.faults.add("image_to_video.start", "reset", when=when)
        with pytest.raises((aiohttp.ClientOSError, aiohttp.ServerDisconnectedError)):
            await api.post(f"{I2V}/start", json=VIDEO)
        assert len(sim.book.starts) == (when == "after")


async def test_a_stalled_answer_ends_when_the_client_leaves():
    """The server keeps no task for a client that is gone."""
    async with serve(media="tiny") as sim, caller(sim) as api:
        sim.faults.add("*.start", "stall")
        before = len(asyncio.all_tasks())
        with pytest.raises(TimeoutError):
            await api.post(f"{I2V}/start", json=VIDEO, timeout=aiohttp.ClientTimeout(total=0.05))
        await asyncio.sleep(0.05)
        assert len(asyncio.all_tasks()) <= before + 1
        assert sim.book.starts == []


async def test_leaving_is_quick_even_with_stalled_requests():
    """The end of the block waits for nobody and leaves no task behind."""
    async with aiohttp.ClientSession() as bare:
        async with serve(media="tiny") as sim:
            sim.faults.add("*", "stall", hits=None)
            waiting = [asyncio.create_task(bare.post(f"{sim.url}{I2V}/start", json=VIDEO)) for _ in range(5)]
            await asyncio.sleep(0.05)
            began = time.perf_counter()
        assert time.perf_counter() - began < 1
        for outcome in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(outcome, aiohttp.ClientError) or outcome.status == 503


async def test_leaving_waits_for_no_delay():
    """An answer that is due in an hour is not waited for."""
    async with aiohttp.ClientSession() as bare:
        async with serve(clock=ManualClock(), media="tiny", latency=3600) as sim:
            waiting = asyncio.create_task(bare.post(f"{sim.url}{I2V}/start", json=VIDEO))
            await asyncio.sleep(0.05)
            began = time.perf_counter()
        assert time.perf_counter() - began < 1
        with pytest.raises(aiohttp.ClientError):
            await waiting


async def test_a_port_that_is_taken_is_an_error():
    """Two simulators cannot share a port, and the second leaves nothing behind."""
    async with serve(media="tiny") as sim:
        with pytest.raises(OSError, match="in use"):
            async with serve(port=int(sim.url.rpartition(":")[2])):
                pass  # pragma: no cover


async def test_an_exception_in_the_block_stays_itself():
    """What goes wrong in a test is not hidden by the end of the simulator."""
    with pytest.raises(LookupError):
        async with serve(media="tiny"):
            raise LookupError


async def test_file_transfers_break_as_they_are_told_to():
    """A cut file is an error of its length, a silent one a timeout."""
    async with serve(media="tiny", task_seconds=0) as sim, caller(sim) as api, aiohttp.ClientSession() as bare:
        async with api.post(f"{I2V}/start", json=VIDEO) as reply:
            link = (await reply.json())["data"]["result_url"]
        sim.faults.add("file", "cut_body", after=10)
        async with bare.get(link) as reply:
            with pytest.raises(aiohttp.ClientPayloadError):
                await reply.read()
        sim.faults.add("file", "stall_body", after=10)
        async with bare.get(link, timeout=aiohttp.ClientTimeout(sock_read=0.05)) as reply:
            assert await reply.content.readexactly(10)
            with pytest.raises(TimeoutError):
                await reply.read()
        async with bare.get(link) as reply:
            assert (await reply.read())[4:8] == b"ftyp"


async def test_a_delay_follows_the_simulated_clock():
    """Ten simulated seconds at a hundredfold speed are a tenth of a second."""
    async with serve(speed=100, media="tiny") as sim, caller(sim) as api:
        sim.faults.add("balance", "delay", seconds=10)
        began = time.perf_counter()
        async with api.get(BALANCE) as reply:
            assert reply.status == 200
        assert 0.09 < time.perf_counter() - began < 1


async def test_a_clock_of_ones_own_stands_still():
    """With a manual clock, time passes when the test says so."""
    clock = ManualClock()
    async with serve(clock=clock, media="tiny", task_seconds=60) as sim, caller(sim) as api:
        async with api.post(f"{I2V}/start", json=VIDEO) as reply:
            task_id = (await reply.json())["data"]["_id"]
        clock.advance(60)
        assert (await completed(api, I2V, task_id))["_id"] == task_id


async def test_unknown_paths_and_wrong_tokens():
    """An unknown path is a page of HTML, a wrong token a 401."""
    async with serve(media="tiny") as sim, aiohttp.ClientSession(sim.url) as bare:
        async with bare.get("/api/v1/userImage2Video/status/x/y") as reply:
            assert (reply.status, reply.content_type) == (404, "text/html")
        async with bare.get(BALANCE, headers={"Authorization": "sk_simulator"}) as reply:
            assert (reply.status, (await reply.json())["code"]) == (401, 401)


async def test_redirects_and_retry_after_reach_the_client():
    """Headers of faults are sent."""
    async with serve(media="tiny") as sim, caller(sim) as api:
        sim.faults.add("balance", "redirect", location=f"{sim.url}/elsewhere")
        async with api.get(BALANCE, allow_redirects=False) as reply:
            assert (reply.status, reply.headers["Location"]) == (302, f"{sim.url}/elsewhere")
        sim.faults.add("balance", "status", status=429, retry_after=3)
        async with api.get(BALANCE) as reply:
            assert (reply.status, reply.headers["Retry-After"]) == (429, "3")


async def test_a_batch_of_a_hundred_and_the_peak():
    """Large batches are answered, and the densest second is known."""
    async with serve(media="tiny", coins=10**6) as sim, caller(sim) as api:
        body = {"prompt": "x", "max_images": 8}
        ids = [task.id for _ in range(13) for task in sim.world.start("text_to_image", body)]

        async def look():
            async with api.post(f"{T2I}/batchDetail", json={"ids": ids[:100]}) as reply:
                return len(json.loads(await reply.read())["data"])

        assert await asyncio.gather(*(look() for _ in range(100))) == [100] * 100
        assert sim.counters["text_to_image.batch"] == 100
        assert 10 <= sim.peak("*.batch") <= 100
        assert sim.peak("*.start") == 0


async def test_a_broken_renderer_is_a_500(monkeypatch):
    """What goes wrong while rendering is told as any server tells it."""
    monkeypatch.setattr("a2e_async.simulator.media.sketch.mp4", lambda *_: 1 / 0)
    async with serve(media="plain", task_seconds=0) as sim, caller(sim) as api, aiohttp.ClientSession() as bare:
        async with api.post(f"{I2V}/start", json=VIDEO) as reply:
            link = (await reply.json())["data"]["result_url"]
        async with bare.get(link) as reply:
            assert (reply.status, reply.content_type) == (500, "application/xml")


async def test_events_come_bit_by_bit_in_simulated_time():
    """Each event of a stream waits for its time, and the last one ends the reply."""
    body = {**VIDEO, "reference_id": "r", "stream": True}
    clock = ManualClock()
    async with (
        serve(clock=clock, media="tiny") as sim,
        caller(sim) as api,
        api.post(f"{I2V}/prompt_extension", json=body) as reply,
    ):
        assert (reply.status, reply.content_type) == (200, "text/event-stream")
        first = asyncio.create_task(reply.content.readuntil(b"\n\n"))
        await asyncio.sleep(0.02)
        assert not first.done()
        clock.advance(1)
        assert (await first).startswith(b"event: delta\n")
        rest = asyncio.create_task(reply.content.read())
        while not rest.done():
            clock.advance(1)
            await asyncio.sleep(0.001)
        assert rest.result().endswith(b"event: done\ndata: {}\n\n")


async def test_a_stream_that_is_cut_ends_in_the_middle():
    """A fault cuts a stream of events as it cuts any other reply."""
    body = {**VIDEO, "reference_id": "r", "stream": True}
    async with serve(speed=1000, media="tiny") as sim, caller(sim) as api:
        sim.faults.add("prompts.extend", "cut_body", after=20)
        async with api.post(f"{I2V}/prompt_extension", json=body) as reply:
            with pytest.raises(aiohttp.ClientPayloadError):
                await reply.read()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_body_that_cannot_be_unpacked_is_a_refusal(caplog, encoding):
    """No error of the simulator's own, and none in its log."""
    async with serve() as sim, caller(sim) as api:
        headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
        async with api.post(f"{T2I}/start", data=b"no archive", headers=headers) as reply:
            assert reply.status == 400
        async with api.get(BALANCE) as reply:
            assert reply.status == 200
    assert not [record for record in caplog.records if record.levelname == "ERROR"]

"""The one-shot calls over loopback, as their users string them together."""

from __future__ import annotations

import pytest

from a2e_async import A2EClient, NotFoundError, TextToImage, simulator
from a2e_async.calls.prompts import ExtendedPrompt, PromptDelta

LINK = "https://files.example.net/a.png"


@pytest.fixture
async def a2e():
    """Give a client of a simulated service."""
    async with simulator.serve(speed=200, history_lag=0) as sim, A2EClient(sim.token, base_url=sim.url) as client:
        yield client


async def test_a_text_is_said_and_listed(a2e, tmp_path):
    """A public voice says it; the sound can be fetched, and its preview is listed, asked for and taken off."""
    voice = (await a2e.calls.voices.public(country="en", region="US"))[0]
    link = await a2e.calls.speech.say("Hello there. How are you?", tts_id=voice.id)
    (path,) = await a2e.download(link, tmp_path)
    assert path.stat().st_size > 100
    (preview,) = [one async for one in a2e.calls.speech.previews()]
    assert (preview.text, preview.url) == ("Hello there. How are you?", link)
    assert (await a2e.calls.speech.preview(preview.id)).url == link
    await a2e.calls.speech.delete_preview(preview.id)
    assert [one async for one in a2e.calls.speech.previews()] == []


async def test_a_long_text_is_said_in_parts(a2e):
    """Each part has a sound of its own, and all are listed over several pages."""
    voice = (await a2e.calls.voices.public())[0]
    text = " ".join(f"This is sentence number {number}." for number in range(100))
    parts = [part async for part in a2e.calls.speech.say_long(text, tts_id=voice.id)]
    assert " ".join(part.text for part in parts) == text
    assert len({part.url for part in parts}) == len(parts) == 3
    assert len([one async for one in a2e.calls.speech.previews(limit=2)]) == 2


async def test_backgrounds_and_faces_come_and_go(a2e):
    """What was added is listed, and is gone when it was deleted."""
    background = await a2e.calls.backgrounds.add(LINK)
    assert background in await a2e.calls.backgrounds.own()
    assert {one.id for one in await a2e.calls.backgrounds.all()} > {background.id}
    await a2e.calls.backgrounds.delete(background.id)
    assert await a2e.calls.backgrounds.own() == []
    face = await a2e.calls.faces.add(LINK)
    assert await a2e.calls.faces.own() == [face]
    await a2e.calls.faces.delete(face.id)
    with pytest.raises(NotFoundError):
        await a2e.calls.faces.delete(face.id)


async def test_a_room_is_charged_for_what_was_used(a2e):
    """An avatar speaks and is asked in a room; leaving it pays back what was not used."""
    before = (await a2e.balance()).coins
    avatar = (await a2e.calls.streaming.avatars())[0]
    async with a2e.calls.streaming.room(avatar.id, 600) as room:
        held = (await a2e.balance()).coins
        assert held < before
        await room.speak("Hello")
        await room.set_qa_context("Her name is Nora.")
        assert await room.get_qa_context() == "Her name is Nora."
        await room.ask("Who are you?")
    assert (await a2e.balance()).coins > held


async def test_a_prompt_is_extended_at_once_and_word_by_word(a2e):
    """Both ways give the whole prompt; the second gives its words before."""
    words = {"prompt": "she waves", "negative_prompt": "blurry", "reference_id": "65f000000000000000000001"}
    whole = await a2e.calls.prompts.extend(LINK, **words)
    *deltas, last = [event async for event in a2e.calls.prompts.extend_live(LINK, **words)]
    assert isinstance(last, ExtendedPrompt)
    assert last.prompt == whole.prompt
    assert deltas
    assert all(isinstance(delta, PromptDelta) for delta in deltas)


async def test_what_tasks_cost_is_in_the_history(a2e):
    """A start is quoted, charged and listed; an image becomes an avatar, a video is marked."""
    request = TextToImage("a red kite", width=512, height=512)
    price = (await a2e.calls.credits.quote(request)).coins
    job = a2e.start(request)
    await job
    assert job.coins == price
    spent = [line async for line in a2e.calls.credits.history(spent=True)]
    assert -price in [line.amount for line in spent]
    assert (await a2e.calls.avatars.from_image(job.task_ids[0])).id
    video = await a2e.image_to_video(LINK, prompt="it climbs", negative_prompt="blurry")
    for mark in (a2e.calls.tasks.mark_shared, a2e.calls.tasks.mark_downloaded, a2e.calls.tasks.mark_copied):
        await mark(video.task_ids[0])
    marked = await a2e.calls.watermark.add(video.url, watermark_type="text", text="by a machine")
    assert marked.url.startswith("http")

"""How the one-shot calls look to a type checker; checked by mypy --strict and by pyright, never run.

Each `type: ignore` marks a line that must be refused: both checkers complain about one that they do not need.
"""

# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from datetime import UTC, datetime
from typing import assert_type

from a2e_async import A2EClient, Quote, Record, TextToImage
from a2e_async.calls import Listed, catalogue
from a2e_async.calls.avatars import Avatar
from a2e_async.calls.backgrounds import Background
from a2e_async.calls.credits import Transaction
from a2e_async.calls.prompts import ExtendedPrompt, PromptDelta
from a2e_async.calls.speech import SpokenPart
from a2e_async.calls.streaming import Room
from a2e_async.calls.voices import Voice


async def values(a2e: A2EClient) -> None:
    """Each call takes its own arguments and gives its own value."""
    assert_type(await a2e.calls.backgrounds.add("https://f"), Background)
    assert_type(await a2e.calls.avatars.characters(kind="custom"), list[Avatar])
    assert_type(await a2e.calls.voices.public(country="en", region="US"), list[Voice])
    assert_type(await a2e.calls.voices.training("id"), Record | None)
    assert_type(await a2e.calls.speech.say("Hello", tts_id="id", speech_rate=1.5), str)
    assert_type(await a2e.calls.credits.quote(TextToImage("x")), Quote)
    assert_type(await a2e.calls.tasks.veo_1080p("id", wait=5), str | None)
    assert_type(await a2e.calls.tasks.auto_public_pool(use=True), bool)
    assert_type(
        await a2e.calls.prompts.extend("https://f", prompt="p", negative_prompt="n", reference_id="i"), ExtendedPrompt
    )
    assert_type(catalogue(), list[Listed])


async def lists(a2e: A2EClient) -> None:
    """Lists in pages and answers in pieces are async iterators."""
    async for line in a2e.calls.credits.history(spent=True, since=datetime(2025, 1, 2, tzinfo=UTC), limit=5):
        assert_type(line, Transaction)
    async for part in a2e.calls.speech.say_long("Hello", user_voice_id="id"):
        assert_type(part, SpokenPart)
    async for event in a2e.calls.prompts.extend_live("https://f", prompt="p", negative_prompt="n", reference_id="i"):
        assert_type(event, PromptDelta | ExtendedPrompt)
    async with a2e.calls.streaming.room("id", 60, wait=30) as room:
        assert_type(room, Room)
        await room.speak("Hello")


async def wrong(a2e: A2EClient) -> None:
    """What a call does not take is refused."""
    await a2e.calls.backgrounds.add()  # type: ignore[call-arg]
    await a2e.calls.backgrounds.add(5)  # type: ignore[arg-type]
    await a2e.calls.backgrounds.all(colour="red")  # type: ignore[call-arg]
    await a2e.calls.avatars.characters(kind="mine")  # type: ignore[arg-type]
    await a2e.calls.speech.say("Hello", "id")  # type: ignore[call-arg]
    await a2e.calls.images  # type: ignore[attr-defined]

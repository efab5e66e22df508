"""Prompts: the service's language model writes a fuller one, all at once or word by word."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Annotated, Any, Concatenate, Literal, ParamSpec

import attrs

from a2e_async.calls.base import SLOW, Group, call, known_plan
from a2e_async.calls.reading import At, Value, value
from a2e_async.calls.writing import Extra, given
from a2e_async.core import rules
from a2e_async.core.requests import BareUrl
from a2e_async.core.secrets import hide_secrets
from a2e_async.core.sse import Message
from a2e_async.errors import ProtocolError, ServiceError

P = ParamSpec("P")

Reference = Annotated[str, rules.text()]
Longest = Annotated[int, rules.whole(1)]
Template = Literal["default", "cinematic"]

_PROMPT_KEYS = ("prompt", "extended_prompt", "positive_prompt", "result", "text", "content")
_DELTA_KEYS = ("delta", "text", "content", "prompt")
_LIVE = "word by word: `PromptDelta`s, and the whole `ExtendedPrompt` last."


@attrs.frozen(kw_only=True)
class ExtendedPrompt(Value):
    """A fuller prompt.

    Attributes:
        prompt: The prompt.
        negative_prompt: The negative prompt, "" where the service gives none.
    """

    prompt: Annotated[str, At(*_PROMPT_KEYS)] = ""
    negative_prompt: Annotated[str, At("negative_prompt", "extended_negative_prompt")] = ""


@attrs.frozen
class PromptDelta:
    """The next words of a prompt that is being written.

    Attributes:
        text: The words.
    """

    text: str


def read_extended(data: Any) -> ExtendedPrompt:  # noqa: ANN401 - any JSON shape
    """Read a prompt; where the service keeps it is not documented, so the likely places are tried."""
    if isinstance(data, dict) and isinstance(data.get("data"), dict):
        data = data["data"]
    found = value(ExtendedPrompt, data if isinstance(data, dict) else {"prompt": data})
    if not found.prompt:
        raise ProtocolError("the extension was answered without a prompt")
    return found


def read_event(message: Message) -> PromptDelta | ExtendedPrompt | None:
    """Read one event; None where it adds nothing, such as `done`.

    Raises:
        ServiceError: It is the event `error`.
        ProtocolError: It cannot be read.
    """
    try:
        data = json.loads(message.data)
    except ValueError:
        data = message.data
    except RecursionError:
        raise ProtocolError("an event of the stream is nested too deeply to be read") from None
    held: dict[str, Any] = data if isinstance(data, dict) else {}
    name = held.get("event") or held.get("type") if message.event == "message" else message.event
    if name == "delta":
        words = data if isinstance(data, str) else next((held[key] for key in _DELTA_KEYS if held.get(key)), None)
        return PromptDelta(words) if isinstance(words, str) else None
    if name == "result":
        return read_extended(data)
    if name == "error":
        words = next((held[key] for key in ("message", "msg", "error") if held.get(key)), message.data)
        raise ServiceError(hide_secrets(str(words)[:500]) or "the service broke off", status=200)
    return None


def _live(
    whole: Callable[Concatenate[Prompts, P], Coroutine[Any, Any, ExtendedPrompt]],
) -> Callable[Concatenate[Prompts, P], AsyncIterator[PromptDelta | ExtendedPrompt]]:
    """Make the same call give its answer word by word: `PromptDelta`s, and the whole `ExtendedPrompt` last.

    Raises:
        ServiceError: The service said no, be it in the midst of it.
        ProtocolError: It ended without a whole prompt.
    """
    plan = known_plan(whole)

    @functools.wraps(whole)
    async def live(self: Prompts, /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[PromptDelta | ExtendedPrompt]:
        arguments = given(plan.refuse, self, args, kwargs, local=self._line.local)
        last: PromptDelta | ExtendedPrompt | None = None
        async with aclosing(self._line.asker().listen(plan.request({**arguments, "stream": True}))) as messages:
            async for message in messages:
                event = read_event(message)
                if event is not None:
                    yield event
                    last = event
        if not isinstance(last, ExtendedPrompt):
            raise ProtocolError("the extension ended without the whole prompt")

    shown = inspect.signature(whole).replace(return_annotation=AsyncIterator[PromptDelta | ExtendedPrompt])
    live.__signature__ = shown  # type: ignore[attr-defined]  # for help(), which would show that of `whole`
    live.__doc__ = f"{inspect.cleandoc(whole.__doc__ or '')}\n\nIt comes {_LIVE}"
    return live


class Prompts(Group):
    """Fuller prompts for image to video."""

    @call("POST", "/api/v1/userImage2Video/prompt_extension", read_extended, seconds=SLOW)
    def extend(
        self,
        image_url: BareUrl,
        *,
        prompt: str,
        negative_prompt: str,
        reference_id: Reference,
        lang: str | None = None,
        max_length: Longest | None = None,
        template: Template | None = None,
        shot_count: Annotated[int | None, rules.whole()] = None,
        with_audio: bool | None = None,
        extra: Extra | None = None,
    ) -> None:
        """Extend a prompt for a video that begins with an image (POST /api/v1/userImage2Video/prompt_extension).

        Args:
            image_url: The first image.
            prompt: The prompt as it is.
            negative_prompt: The negative prompt as it is.
            reference_id: Id of what the prompt is for; the reference asks for one and does not describe it.
            lang: Language of the answer (service default: "en").
            max_length: Most characters of the answer; no aim, only a bound.
            template: "default", or "cinematic" for several shots.
            shot_count: With "cinematic": how many shots, which the service brings between 1 and 4 (service default: 2).
            with_audio: With "cinematic": also write what is heard (service default: true).
            extra: More fields of the body, by the service's own names.
        """

    @call("POST", "/api/v1/userImage2Video/flf2v_prompt_extension", read_extended, seconds=SLOW)
    def extend_between(
        self,
        image_url: BareUrl,
        end_image_url: BareUrl,
        *,
        prompt: str,
        negative_prompt: str,
        reference_id: Reference,
        lang: str | None = None,
        max_length: Longest | None = None,
        extra: Extra | None = None,
    ) -> None:
        """Extend a prompt for a video from one image to another.

        (POST /api/v1/userImage2Video/flf2v_prompt_extension)

        Args:
            image_url: The first image.
            end_image_url: The last image.
            prompt: The prompt as it is.
            negative_prompt: The negative prompt as it is.
            reference_id: Id of what the prompt is for; the reference asks for one and does not describe it.
            lang: Language of the answer (service default: "en").
            max_length: Most characters of the answer; no aim, only a bound.
            extra: More fields of the body, by the service's own names.
        """

    extend_live = _live(extend)
    extend_between_live = _live(extend_between)

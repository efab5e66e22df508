"""The short forms of a client: for each family a method that takes exactly the fields of its requests."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import Parameter, Signature, signature
from types import NoneType
from typing import (
    Any,
    Generic,
    NewType,
    ParamSpec,
    Protocol,
    Self,
    TypeVar,
    cast,
    get_args,
    get_type_hints,
    overload,
)

from a2e_async import requests
from a2e_async.core.family import Request
from a2e_async.core.records import Result
from a2e_async.core.requests import Input, fields_of
from a2e_async.engine.jobs.job import Job
from a2e_async.errors import UsageError

_Input = NewType("_Input", object)
_Input.__module__, _Input.__qualname__ = "a2e_async", "Input"  # as it reads
_INPUT: Any = _Input
P = ParamSpec("P")
R = TypeVar("R", bound=Result)


class StartingClient(Protocol):
    """A client whose short forms give a job at once."""

    def start(self, request: Request[R]) -> Job[R]:
        """Start a request."""
        ...


class WaitingClient(Protocol):
    """A client whose short forms wait for the result, as that of `a2e_async.blocking()` does."""

    def run(self, request: Request[R]) -> R:
        """Start a request and wait for its result."""
        ...


class Short(Generic[P, R]):
    """A short form: a method that takes exactly the fields of one request class, and starts it.

    Its docstring and its signature are those of the request class, which is loaded when one of them, or a start, needs
    it: whoever lists what a client can do waits for no family.

    Args:
        find: Gives the request class.
        begin: Starts a request; None as long as the method belongs to no client.
    """

    def __init__(
        self, find: Callable[[], Callable[P, Request[R]]], begin: Callable[[Request[R]], Job[R] | R] | None = None
    ) -> None:
        self._find = find
        self._begin = begin

    def __set_name__(self, owner: type[object], name: str) -> None:
        self.__name__, self.__qualname__ = name, f"{owner.__qualname__}.{name}"

    @overload
    def __get__(self, client: None, owner: type[object]) -> Self: ...
    @overload
    def __get__(self, client: WaitingClient, owner: type[object]) -> Callable[P, R]: ...
    @overload
    def __get__(self, client: StartingClient, owner: type[object]) -> Callable[P, Job[R]]: ...
    def __get__(
        self, client: StartingClient | WaitingClient | None, owner: type[object]
    ) -> Self | Callable[P, Job[R] | R]:
        if client is None:
            return self
        bound = Short(self._find, getattr(client, "run", None) or cast("StartingClient", client).start)
        bound.__name__, bound.__qualname__ = self.__name__, self.__qualname__
        return bound

    def __call__(self, *args: P.args, **fields: P.kwargs) -> Job[R] | R:  # noqa: D102 - its docstring is the request's
        if self._begin is not None:
            return self._begin(self._find()(*args, **fields))
        client, *rest = args or (None,)
        if not isinstance(client, ShortForms):
            raise UsageError(f"{self.__qualname__} is a method: call it of a client, as in a2e.{self.__name__}(...)")
        of_client: Callable[..., Job[R] | R] = getattr(client, self.__name__)
        return of_client(*rest, **fields)

    def __repr__(self) -> str:
        return f"<{'function' if self._begin is None else 'bound method'} {self.__qualname__}>"

    @property
    def __signature__(self) -> Signature:
        """The fields of the request for `inspect`, notebooks and completion: its own before those of all."""
        kind = cast("type[object]", self._find())
        hints, given = get_type_hints(kind), signature(kind).parameters
        fields = [given[field.name].replace(annotation=_readable(hints[field.name])) for field in fields_of(kind)]
        first = [Parameter("self", Parameter.POSITIONAL_ONLY)] if self._begin is None else []
        return Signature(first + sorted(fields, key=lambda field: field.kind))


def _readable(hint: Any) -> Any:  # noqa: ANN401 - an annotation
    """Give an annotation in which `Input` stands for all that it is."""
    several: Any = Sequence
    held = [one for one in get_args(hint) if one is not NoneType]
    if held == list(get_args(Input)):
        return _INPUT if hint == Input else _INPUT | None
    if hint == Sequence[Input]:
        return several[_INPUT]
    return several[_INPUT] | None if held == [Sequence[Input]] else hint


# A docstring in the class would be that of every short form.
Short.__doc__ = property(lambda short: short._find().__doc__)  # type: ignore[assignment]  # noqa: SLF001 - its own


class ShortForms:
    """The short forms of every client, one line for each family."""

    actor_swap = Short(lambda: requests.ActorSwap)
    avatar_video = Short(lambda: requests.AvatarVideo)
    caption_removal = Short(lambda: requests.CaptionRemoval)
    dubbing = Short(lambda: requests.Dubbing)
    face_swap = Short(lambda: requests.FaceSwap)
    face_swap_preview = Short(lambda: requests.FaceSwapPreview)
    flux2 = Short(lambda: requests.Flux2)
    gpt_image = Short(lambda: requests.GptImage)
    grok_video = Short(lambda: requests.GrokVideo)
    hailuo = Short(lambda: requests.Hailuo)
    happy_horse = Short(lambda: requests.HappyHorse)
    head_swap = Short(lambda: requests.HeadSwap)
    image_edit = Short(lambda: requests.ImageEdit)
    image_to_video = Short(lambda: requests.ImageToVideo)
    kling_image = Short(lambda: requests.KlingImage)
    kling_omni = Short(lambda: requests.KlingOmni)
    kling_video = Short(lambda: requests.KlingVideo)
    minimax_h3 = Short(lambda: requests.MinimaxH3)
    motion_transfer = Short(lambda: requests.MotionTransfer)
    nano_banana = Short(lambda: requests.NanoBanana)
    photobook = Short(lambda: requests.Photobook)
    product_avatar = Short(lambda: requests.ProductAvatar)
    qwen_image = Short(lambda: requests.QwenImage)
    seedance = Short(lambda: requests.Seedance)
    seedance2 = Short(lambda: requests.Seedance2)
    sora = Short(lambda: requests.Sora)
    sound = Short(lambda: requests.Sound)
    talking_photo = Short(lambda: requests.TalkingPhoto)
    talking_video = Short(lambda: requests.TalkingVideo)
    text_to_image = Short(lambda: requests.TextToImage)
    upscale = Short(lambda: requests.Upscale)
    veo = Short(lambda: requests.Veo)
    video_twin = Short(lambda: requests.VideoTwin)
    virtual_try_on = Short(lambda: requests.VirtualTryOn)
    voice_training = Short(lambda: requests.VoiceTraining)
    wan26_image = Short(lambda: requests.Wan26Image)
    wan26_r2v = Short(lambda: requests.Wan26R2v)
    wan27_image = Short(lambda: requests.Wan27Image)
    wan30 = Short(lambda: requests.Wan30)
    wan_spicy = Short(lambda: requests.WanSpicy)
    wan_video = Short(lambda: requests.WanVideo)

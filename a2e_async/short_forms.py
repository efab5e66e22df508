"""The short forms of a client: for each family a method that takes exactly the fields of its requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, ParamSpec, Protocol, Self, TypeVar, cast, overload

from a2e_async import requests
from a2e_async.core.family import Request
from a2e_async.core.records import Result
from a2e_async.engine.jobs.job import Job

P = ParamSpec("P")
R = TypeVar("R", bound=Result)


class Starting(Protocol):
    """A client whose short forms give a job at once."""

    def start(self, request: Request[R]) -> Job[R]:
        """Start a request."""
        ...


class Waiting(Protocol):
    """A client whose short forms wait for the result, as that of `a2e_async.blocking()` does."""

    def run(self, request: Request[R]) -> R:
        """Start a request and wait for its result."""
        ...


class Short(Generic[P, R]):
    """A short form: a method that takes exactly the fields of one request class, and starts it.

    Args:
        find: Gives the request class, which is loaded when it is first needed.
    """

    def __init__(self, find: Callable[[], Callable[P, Request[R]]]) -> None:
        self._find = find

    @overload
    def __get__(self, client: None, owner: type[object]) -> Self: ...
    @overload
    def __get__(self, client: Waiting, owner: type[object]) -> Callable[P, R]: ...
    @overload
    def __get__(self, client: Starting, owner: type[object]) -> Callable[P, Job[R]]: ...
    def __get__(self, client: Starting | Waiting | None, owner: type[object]) -> Self | Callable[P, Job[R] | R]:
        if client is None:
            return self
        begin: Callable[[Request[R]], Job[R] | R] = getattr(client, "run", None) or cast("Starting", client).start

        def short(*args: P.args, **fields: P.kwargs) -> Job[R] | R:
            return begin(self._find()(*args, **fields))

        short.__doc__ = self.__doc__
        return short

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - any attribute
        """Give the docstring of the request class for that of the method."""
        return self._find().__doc__ if name == "__doc__" else super().__getattribute__(name)


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

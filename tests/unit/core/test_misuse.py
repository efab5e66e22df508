"""Wrong arguments in the words of fields, and text and values that cannot be sent, refused before anything is."""

from __future__ import annotations

import pytest

from a2e_async import HeadSwap, ImageToVideo, InvalidRequestError, Request, Result, TextToImage, request

IMAGE = "https://files.example.net/in.png"


@pytest.mark.parametrize("flaw", ["a kite \ud83e", "\udc00", "a\0b", "\x1b[31mred"])
@pytest.mark.parametrize(
    "given",
    [
        lambda text: {"prompt": text},
        lambda text: {"name": text},
        lambda text: {"extra": {"deep": [{"er": text}]}},
        lambda text: {"extra": {text: 1}},
        lambda text: {"input_images": [IMAGE, f"{IMAGE}{text}".replace(" ", "")]},
    ],
)
def test_text_that_is_not_whole_is_refused(flaw, given):
    """Half a character, NUL and ESC are refused wherever they stand, before anything is sent."""
    fields = {"prompt": "a", **given(flaw)}
    with pytest.raises(InvalidRequestError, match=r"half a character|half characters|a NUL|an ESC") as caught:
        TextToImage(**fields)
    assert caught.value.field in given("")
    str(caught.value).encode()


@pytest.mark.parametrize(
    "extra",
    [
        {"a": object()},
        {"a": {1: 2}},
        {"a": float("nan")},
        {"a": [float("inf")]},
        {"a": b"x"},
        {"a": {"b", "c"}},
        "deep",
    ],
)
def test_what_json_cannot_carry_is_refused(extra):
    """Further fields hold JSON and nothing else; an answer to what cannot be written would never come."""
    if extra == "deep":
        extra = held = {}
        for _ in range(100_000):
            held["a"] = held = {}
    with pytest.raises(InvalidRequestError, match=r"^extra: must (hold nothing but|have text as keys|not be nested)"):
        TextToImage("a", extra=extra)


def test_what_json_carries_is_taken():
    """Tuples, nested mappings, large numbers and every whole character go out as they are."""
    TextToImage("\u5915\u65e5 \U0001f305\t\n", extra={"a": ({"b": [1, 2.5, None, True]},), "n": 2**70})


@pytest.mark.parametrize(
    ("make", "field", "words"),
    [
        (TextToImage, "prompt", "prompt: must be given"),
        (lambda: ImageToVideo(prompt="a"), "image_url", "image_url: must be given"),
        (HeadSwap, "image_url", "image_url, target_image_url: must be given"),
        (lambda: TextToImage("a", widht=1), "widht", "widht: TextToImage has no such field; did you mean width?"),
        (lambda: TextToImage("a", zzz=1), "zzz", "zzz: TextToImage has no such field; it has prompt, "),
        (lambda: TextToImage("a", prompt="b"), "prompt", "prompt: was given twice"),
        (lambda: TextToImage("a", "b"), "prompt", "prompt: TextToImage takes prompt by its place, and everything else"),
        (lambda: HeadSwap(1, 2), "image_url", "image_url: HeadSwap takes image_url by its place"),
        (lambda: TextToImage("a").replace(widht=1), "widht", "widht: TextToImage has no such field"),
    ],
)
def test_wrong_arguments_are_told_in_the_words_of_the_fields(make, field, words):
    """A field that is missing, misspelt, or given twice is an error of ours, with the names that are like it."""
    with pytest.raises(InvalidRequestError) as caught:
        make()
    assert str(caught.value).startswith(words)
    assert caught.value.field == field
    assert caught.value.__context__ is None


def test_a_type_error_from_within_stays_what_it_is():
    """A rule of a user's own request that is broken code is not called a wrong argument."""

    @request
    class Broken(Request[Result]):
        style: str

        def check(self):
            raise TypeError("mine")

    with pytest.raises(TypeError, match=r"^mine$"):
        Broken(style="a")

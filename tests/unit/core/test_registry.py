"""Families as users declare them: one name and one request class each, and what decides the price of a start."""

from __future__ import annotations

import threading

import attrs
import pytest

import a2e_async
from a2e_async import Family, Request, Result, TextToImage, Usual, request
from a2e_async.core import family as registry
from a2e_async.core.family import family_of, price_kind, register
from a2e_async.errors import UsageError


@request
class Sketch(Usual[Result]):
    """A request of a family of ours."""

    prompt: str = attrs.field(kw_only=False)


SKETCH = Family(name="sketch", title="A sketch", request=Sketch, base="/sketch", price_fields=("prompt",))


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    """Forget after each test what it has registered, but not what was loaded meanwhile."""
    a2e_async.families()
    for names in ("by_name", "by_request"):
        monkeypatch.setattr(registry._registry, names, dict(getattr(registry._registry, names)))


@pytest.mark.parametrize("name", ["sora", "image_to_video", "sketch"])
def test_a_second_family_of_one_name_is_refused(name):
    """Be it one of ours that was not loaded yet or the user's own; nothing changes, and the error names the name."""
    register(SKETCH)

    @request
    class Other(Usual[Result]):
        """Another request."""

        prompt: str

    with pytest.raises(UsageError, match=f"the name {name} belongs to"):
        register(Family(name=name, title="mine", request=Other, base="/mine"))
    assert family_of(name).title != "mine"


@pytest.mark.parametrize("kind", [Sketch, TextToImage])
def test_a_second_family_of_one_request_is_refused(kind):
    """Otherwise `start` would send a request to the family that was registered last."""
    register(SKETCH)
    before = family_of(kind)
    with pytest.raises(UsageError, match=f"the request {kind.__name__} belongs to"):
        register(Family(name="other_sketch", title="mine", request=kind, base="/mine"))
    assert family_of(kind) is before
    assert "other_sketch" not in a2e_async.families()


def test_a_changed_family_does_not_replace_the_first_one():
    """Not even under its own name with its own request; the same value may be registered as often as one likes."""
    assert register(SKETCH) is register(SKETCH)
    with pytest.raises(UsageError, match="the name sketch"):
        register(attrs.evolve(SKETCH, base="/elsewhere"))


def test_a_cell_of_a_notebook_may_run_again():
    """A class that is defined once more at the same place brings its family with it."""
    register(SKETCH)
    again = type("Sketch", (Sketch,), {"__module__": Sketch.__module__, "__qualname__": Sketch.__qualname__})
    made = Family(name="sketch", title="A better sketch", request=again, base="/sketch")
    assert register(made) is made is family_of("sketch") is family_of(again)


@pytest.mark.parametrize("name", ["", "my sketch", "head-swap", "Sketch", "1st", "x" + "\n"])
def test_a_name_that_cannot_be_written_is_refused(name):
    """It is a word in Python, on the command line and in files; a hyphen is read as an underscore there."""
    with pytest.raises(UsageError, match="name: must be a word"):
        register(attrs.evolve(SKETCH, name=name))


def test_families_are_handed_out_to_be_read_only():
    """Nobody can register or lose a family through what `families()` gives, nor does it change while it is read."""
    given = a2e_async.families()
    with pytest.raises(TypeError):
        given["sora"] = SKETCH
    register(SKETCH)
    assert "sketch" not in given
    assert "sketch" in a2e_async.families()


def test_a_request_may_have_no_fields_of_its_own():
    """Such a request is made, compared and sent with what all requests have."""

    @request
    class Nothing(Request[Result]):
        """A request without fields."""

    @request
    class NothingUsual(Usual[Result]):
        """A request with the usual fields only."""

    assert Nothing() == Nothing(extra=None)
    assert Nothing(extra={"x": 1}).extra == {"x": 1}
    assert NothingUsual(name="a").name == "a"


def test_threads_that_make_the_first_request_of_a_class_at_once_all_get_it():
    """What is known of a class is published whole."""
    for _ in range(50):

        @request
        class Fresh(Request[Result]):
            """A class that nobody has asked about yet."""

            prompt: str = "x"

        made, barrier = [], threading.Barrier(4)

        def make(kind=Fresh, made=made, barrier=barrier):
            barrier.wait()
            made.append(kind())

        threads = [threading.Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == len(threads)


def priced(**fields):
    """Give the price kind of an image."""
    return price_kind(family_of(TextToImage), TextToImage("x", **fields))


def test_of_lists_the_length_decides_a_price():
    """Also inside `extra`, however deep; other images cost the same."""
    one, other = (["https://files.example.net/a.png"], ("https://files.example.net/b.png",))
    assert priced(input_images=one) == priced(input_images=other)
    assert priced(input_images=one) != priced(input_images=[*one, *other])
    assert priced(extra={"x": one}) == priced(extra={"x": other})
    assert priced(extra={"x": {"y": one}}) == priced(extra={"x": {"y": other}})
    assert priced(extra={"x": one}) != priced(extra={"x": [*one, *other]})


@pytest.mark.parametrize(
    "extra", [{"quality": "8K"}, {"quality": "4K"}, {"n": 1}, {"a": {"b": 2}}, {"x": [1]}, {"x": 1}]
)
def test_an_unknown_field_decides_a_price_too(extra):
    """Starts that differ in `extra` are not of one price; a list of one is not the number 1."""
    assert priced(extra=extra) != priced()
    assert priced(extra=extra) != priced(extra={**extra, "more": True})
    assert priced(extra={"x": [1]}) != priced(extra={"x": 1})
    assert isinstance(hash(priced(extra={**extra, "odd": [[1], {}], "deep": {"z": 1.5, "y": None}})), int)

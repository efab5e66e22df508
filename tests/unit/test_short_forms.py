"""Short forms: methods that show the fields of their requests to people, notebooks and completion."""

from __future__ import annotations

import inspect
import subprocess
import sys

import attrs
import pytest

import a2e_async
from a2e_async.blocking import BlockingClient
from a2e_async.errors import UsageError

FAMILIES = sorted(a2e_async.families())
COMMON = ["extra", "webhook_url", "webhook_token", "name"]
OF_NO_FAMILY = """
import sys, a2e_async
a2e = a2e_async.A2EClient("sk_a")
for name in dir(a2e):
    if not name.startswith("_") and name in ("sora", "veo", "dubbing"):
        repr(getattr(a2e, name)), getattr(a2e, name).__name__, getattr(a2e_async.A2EClient, name)
print(sorted(name for name in sys.modules if name.startswith("a2e_async.families.")))
a2e.veo.__signature__
print("a2e_async.families.veo" in sys.modules, "a2e_async.families.sora" in sys.modules)
"""


@pytest.mark.parametrize("name", FAMILIES)
def test_a_short_form_shows_the_fields_of_its_request(name):
    """`inspect` finds each field of the request, with its default: of the class, of a client, of a blocking one."""
    request = a2e_async.families()[name].request
    fields = {field.name: field for field in attrs.fields(request)}
    client = a2e_async.A2EClient("sk_a")
    for short in (getattr(client, name), getattr(BlockingClient(client), name)):
        shown = inspect.signature(short).parameters
        assert shown.keys() == fields.keys()
        for field, parameter in shown.items():
            assert (parameter.default is inspect.Parameter.empty) == (fields[field].default is attrs.NOTHING)
            assert parameter.annotation is not inspect.Parameter.empty
    of_class = inspect.signature(getattr(a2e_async.A2EClient, name)).parameters
    assert list(of_class) == ["self", *shown]


def test_the_fields_of_its_own_come_first():
    """Who reads a signature sees what the family is about before the fields that all have."""
    shown = list(inspect.signature(a2e_async.A2EClient("sk_a").text_to_image).parameters)
    assert shown[:3] == ["prompt", "width", "height"]
    assert shown[-len(COMMON) :] == COMMON


def test_what_takes_files_is_shown_in_a_word():
    """A field of images reads `Input`, alone, where it may be left out, and in a list."""
    client = a2e_async.A2EClient("sk_a")
    shown = {name: str(one) for name, one in inspect.signature(client.image_to_video).parameters.items()}
    assert shown["image_url"] == "image_url: a2e_async.Input"
    assert "a2e_async.Input" in shown["end_image_url"]
    assert "PathLike" not in str(inspect.signature(client.image_to_video))
    for short in (client.virtual_try_on, client.text_to_image):
        assert "Sequence[a2e_async.Input]" in str(inspect.signature(short))


def test_a_short_form_looks_like_a_method():
    """Its name, its text and its docstring are those of a method, also in `help`."""
    short = a2e_async.A2EClient("sk_a").veo
    assert short.__name__ == "veo"
    assert repr(short) == "<bound method ShortForms.veo>"
    assert repr(a2e_async.A2EClient.veo) == "<function ShortForms.veo>"
    assert inspect.getdoc(short) == inspect.getdoc(a2e_async.A2EClient.veo) == inspect.getdoc(a2e_async.Veo)


def test_no_family_is_loaded_before_its_signature_is_asked_for():
    """Listing what a client can do costs nobody the families that are not used."""
    said = subprocess.run([sys.executable, "-c", OF_NO_FAMILY], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == [
        "[]",
        "True False",
    ]


async def test_a_short_form_of_the_class_takes_a_client():
    """`A2EClient.text_to_image(a2e, ...)` is what it is for any other method, and says so without a client."""
    a2e = a2e_async.A2EClient("sk_a")
    with pytest.raises(UsageError, match="text_to_image is a method"):
        a2e_async.A2EClient.text_to_image("a kite")
    with pytest.raises(UsageError, match="text_to_image is a method"):
        a2e_async.A2EClient.text_to_image()
    with pytest.raises(UsageError, match="not open"):
        a2e_async.A2EClient.text_to_image(a2e, "a kite")

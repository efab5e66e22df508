"""What a start and other requests send, and how strict the converter is."""

from __future__ import annotations

import attrs
import pytest

from a2e_async import Family, ImageToVideo, ProtocolError, Request, Result, Status, TextToImage, Webhook
from a2e_async.core import converter, wire
from a2e_async.core.family import family_of
from a2e_async.core.requests import request

VIDEOS = family_of("image_to_video")
IMAGES = family_of("text_to_image")
IMAGE = "https://files.example.net/in.png"
R, C = "https://files.example.net/r.mp4", "HTTP://files.example.net/c.png"


def test_fields_of_a_family_are_data():
    """A family with other fields is read by the same code."""

    @request
    class Odd(Request[Result]):
        words: str
        title: str | None = None

    odd = Family(
        name="odd",
        title="",
        request=Odd,
        base="/odd",
        batch=None,
        status_fields=("status", "current_status"),
        result_fields=("result", "cover"),
        code_fields=("error_code", "fail"),
        message_fields=("faild_message", "msg"),
        name_field="title",
    )
    row = {
        "id": "o1",
        "title": "t",
        "status": "success",
        "current_status": "sent",
        "result": R,
        "cover": [C, "javascript:x"],
    }
    row |= {"error_code": "0", "fail": "f", "faild_message": None, "msg": "m", "name": "n"}
    record = wire.record(odd, row)
    assert (record.id, record.name, record.status, record.urls) == ("o1", "t", Status.COMPLETED, (R, C))
    assert (record.failed_code, record.failed_message) == ("f", "m")
    assert record.extra == {"name": "n"}
    assert record.raw["cover"] == [C, "javascript:x"]  # what no browser shall follow is kept aside
    assert wire.start(odd, Odd(words="w")).body == {"title": "odd", "words": "w"}


def test_a_start_sends_what_was_given_and_nothing_else():
    """Fields that are None are not sent, False and 0 are."""
    sent = wire.start(VIDEOS, ImageToVideo(IMAGE, prompt="p", negative_prompt="n", extend_prompt=False))
    assert sent.body == {
        "name": "p",
        "image_url": IMAGE,
        "prompt": "p",
        "negative_prompt": "n",
        "extend_prompt": False,
    }
    assert (sent.start, sent.seconds) == (True, 180)


def test_a_tagged_name_counts_before_the_requests_own():
    """The name with its tag is what is sent."""
    request = TextToImage("p", name="mine")
    assert wire.start(IMAGES, request).body["name"] == "mine"
    assert wire.start(IMAGES, request, name="mine ~k7f3q9x2m4pda").body["name"] == "mine ~k7f3q9x2m4pda"


@pytest.mark.parametrize(
    ("fields", "sent"),
    [({}, ("https://h.example/c", "client")), ({"webhook_url": "https://h.example/r"}, ("https://h.example/r", None))],
)
def test_the_clients_webhook_fills_a_gap_only(fields, sent):
    """A webhook of the client is sent unless the request names its own."""
    webhook = Webhook("https://h.example/c", "client")
    body = wire.start(IMAGES, TextToImage("p", **fields), webhook=webhook).body
    assert (body["webhook_url"], body.get("webhook_token")) == sent
    without = attrs.evolve(IMAGES, webhook=False)
    assert "webhook_url" not in wire.start(without, TextToImage("p"), webhook=webhook).body


def test_a_request_shows_no_body():
    """A request to the service can be logged: its body, which can hold a webhook's secret, is not shown."""
    sent = wire.start(IMAGES, TextToImage("p", webhook_token="hush"))
    assert "hush" not in repr(sent)
    assert "hush" not in repr(Webhook("https://h.example/c", "hush"))


@pytest.mark.parametrize("task_id", ["a/b", "a b", "a?b", "a%2Fb", "../x", "ä"])
def test_an_id_is_one_part_of_a_path(task_id):
    """No id leads to another path."""
    for sent in (wire.detail(VIDEOS, task_id), wire.delete(VIDEOS, task_id)):
        assert sent.path.startswith("/api/v1/userImage2Video/")
        assert sent.path.count("/") == 4
        assert not set(sent.path) & set(" ?ä")


@pytest.mark.parametrize("value", ["false", None, 0, 1])
def test_the_converter_is_strict_about_bool(value):
    """Text and numbers never become True."""
    with pytest.raises(ValueError, match="expected bool"):
        converter.CONVERTER.structure(value, bool)


@pytest.mark.parametrize(("value", "kind"), [(None, str), (5, str), (5.7, int), ("5", int), (True, int), (True, float)])
def test_the_converter_is_strict_about_text_and_numbers(value, kind):
    """Null never becomes "None", nothing is rounded and nothing is parsed."""
    with pytest.raises(ValueError, match=f"expected {kind.__name__}"):
        converter.CONVERTER.structure(value, kind)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *[(value, True) for value in (0, -3, 1.5, 10**15)],
        *[(value, False) for value in (10**400, 1e16, True, "5", None, float("nan"), float("inf"))],
    ],
    ids=lambda value: repr(value)[:12],
)
def test_which_numbers_one_can_reckon_with(value, number):
    """Only finite numbers of a sane size count as coins."""
    assert converter.is_number(value) is number


@pytest.mark.parametrize("task_id", ["", ".", "..", "..."])
def test_no_id_leads_to_another_route(task_id):
    """An id of the service's own that a path would swallow is an error; every other one is one part of the path."""
    with pytest.raises(ProtocolError, match="no id that a path can hold"):
        wire.detail(IMAGES, task_id)
    assert wire.detail(IMAGES, f"a/../{task_id}?x#y\r\n").path.count("/") == wire.detail(IMAGES, "a").path.count("/")

"""Requests become HTTP values, rows become records; odd fields lose no task."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta, timezone

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from a2e_async import ProtocolError, Record, Status
from a2e_async.core import wire
from a2e_async.core.family import family_of

VIDEOS = family_of("image_to_video")
IMAGES = family_of("text_to_image")
TASK = "65f000000000000000000001"
IMAGE = "https://files.example.net/in.png"
MOMENT = datetime(2025, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


def read(row, family=VIDEOS):
    """Read a row that has an id."""
    return wire.record(family, {"_id": TASK, **row})


def brief(value):
    """Name a value in a test's id."""
    return repr(value)[:12]


def done(row, family=VIDEOS):
    """Read a row of a completed task."""
    return read({"current_status": "completed", **row}, family)


def test_a_row_is_read_whole():
    """Each known field finds its attribute, unknown ones stay in extra, and the row itself in raw."""
    row = {
        "_id": TASK,
        "name": "clip ~k7f3q9x2m4pda",
        "current_status": "failed",
        "coins": 30,
        "createdAt": "2025-01-02T03:04:05.678Z",
        "failed_code": "nsfw",
        "failed_message": "not allowed",
        "result_url": "",
        "cover_url": "https://files.example.net/c.png",
        "duration": 5,
    }
    assert wire.record(VIDEOS, row) == Record(
        id=TASK,
        family="image_to_video",
        name="clip",
        tag="k7f3q9x2m4pd",
        status=Status.FAILED,
        coins=30,
        created_at=MOMENT,
        failed_code="nsfw",
        failed_message="not allowed",
        urls=(),
        extra={"cover_url": "https://files.example.net/c.png", "duration": 5},
        raw=row,
    )


def test_a_bare_id_is_a_record():
    """A start's reply of nothing but an id is a task that runs."""
    assert read({}) == Record(id=TASK, family="image_to_video")


@pytest.mark.parametrize("status", ["initialized", "sent", "pending", "processing", "something new", None])
def test_a_running_task_keeps_no_raw_reply(status):
    """Of a task that runs neither raw nor extra are kept: thousands of them are held at once."""
    record = read({"current_status": status, "cover_url": IMAGE, "coins": 3})
    assert (record.raw, record.extra, record.coins) == ({}, {}, 3)


@pytest.mark.parametrize("row", [{}, {"_id": None}, {"_id": 5, "name": "x"}, {"_id": ""}, {"id": ["a"]}])
def test_a_row_without_an_id_is_no_task(row):
    """Only text can be a task's id."""
    with pytest.raises(ProtocolError, match="without an id"):
        wire.record(VIDEOS, row)


ODD = [
    None,
    True,
    False,
    5,
    -1,
    5.7,
    "",
    "x",
    "false",
    [],
    ["x"],
    [None],
    {},
    {"a": 1},
    10**400,
    float("nan"),
    float("inf"),
]
KINDS = {
    "name": str,
    "failed_code": str,
    "failed_message": str,
    "coins": (int, float, type(None)),
    "created_at": (datetime, type(None)),
    "urls": tuple,
}
FIELDS = ["name", "coins", "createdAt", "failed_code", "failed_message", "result_url", "image_urls", "current_status"]


@pytest.mark.parametrize("family", [VIDEOS, IMAGES], ids=lambda family: family.name)
@pytest.mark.parametrize("field", FIELDS)
def test_no_odd_value_loses_a_task(family, field):
    """Whatever stands in whatever field, the record has its id, and every attribute has its type."""
    for value in ODD:
        record = done({field: value}, family)
        assert record.id == TASK
        for name, kind in KINDS.items():
            assert isinstance(getattr(record, name), kind), (name, brief(value))
        assert not isinstance(record.coins, bool)
        assert all(isinstance(url, str) and url for url in record.urls)
        assert "None" not in repr(attrs.evolve(record, coins=0, created_at=MOMENT, tag=""))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", 5),
        ("name", ["clip"]),
        ("coins", "30"),
        ("coins", True),
        ("coins", 10**400),
        ("coins", float("inf")),
        ("createdAt", "yesterday"),
        ("createdAt", {"$date": 1}),
        ("createdAt", 10**400),
        ("failed_code", {"a": 1}),
        ("failed_message", ["no"]),
        ("result_url", {"url": IMAGE}),
        ("result_url", [IMAGE, 5]),
        ("result_url", True),
    ],
    ids=brief,
)
def test_an_odd_value_stays_in_extra(field, value):
    """A value that does not fit its attribute can still be had."""
    assert done({field: value}).extra == {field: value}


@pytest.mark.parametrize("field", ["name", "coins", "createdAt", "failed_code", "failed_message", "result_url"])
def test_null_is_nothing(field):
    """Null leaves the attribute at its default and is no odd value."""
    record = done({field: None})
    assert attrs.evolve(record, raw={}) == Record(id=TASK, family="image_to_video", status=Status.COMPLETED)


@pytest.mark.parametrize(
    ("value", "code"), [("", ""), (0, ""), ("0", ""), (1003, "1003"), ("nsfw", "nsfw"), (False, ""), (True, "")]
)
def test_a_failures_code_is_text(value, code):
    """Numbers become text; 0, also as text, and booleans are no code."""
    assert done({"failed_code": value}).failed_code == code


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2025-01-02T03:04:05.678Z", MOMENT),
        ("2025-01-02T03:04:05.678+00:00", MOMENT),
        ("2025-01-02T04:04:05.678+01:00", MOMENT),
        ("2025-01-02T03:04:05.678", MOMENT),
        ("2025-01-02 03:04:05.678", MOMENT),
        ("2025-01-02T03:04:05Z", MOMENT.replace(microsecond=0)),
        (1735787045678, MOMENT),
        (1735787045.678, MOMENT),
        (1735787045, MOMENT.replace(microsecond=0)),
        ("", None),
        ("02.01.2025", None),
        (float("nan"), None),
        (-1e300, None),
        (10**400, None),
        (True, None),
    ],
    ids=brief,
)
def test_times(value, moment):
    """ISO text with or without a zone, seconds and milliseconds are read as UTC; anything else is no time."""
    record = done({"createdAt": value})
    assert record.created_at == moment
    assert record.created_at is None or record.created_at.tzinfo is not None
    assert wire.created_at({"createdAt": value}) == (moment and moment.timestamp())


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=9)), timezone(timedelta(minutes=-90))])))
def test_every_iso_time_is_read(moment):
    """Each time with a zone comes back as the same moment."""
    assert done({"createdAt": moment.isoformat()}).created_at == moment


@pytest.mark.parametrize(
    ("row", "urls"),
    [
        ({"image_urls": ["https://r/1", "https://r/2"]}, ("https://r/1", "https://r/2")),
        ({"image_urls": "https://r/1"}, ("https://r/1",)),
        ({"image_urls": ["", None, 5, "https://r/1"]}, ("https://r/1",)),
        ({"image_urls": []}, ()),
        ({"result_url": "https://r/1"}, ()),
    ],
)
def test_links(row, urls):
    """A family's own result fields give the links, as a string or a list; other fields never do."""
    assert done(row, IMAGES).urls == urls


@pytest.mark.parametrize(
    ("shown", "name", "tag"),
    [
        ("clip", "clip", None),
        ("", "", None),
        ("~k7f3q9x2m4pdb", "", "k7f3q9x2m4pd"),
        ("a ~b ~c2345678b", "a ~b", "c2345678"),
    ],
)
def test_the_name_comes_back_without_its_tag(shown, name, tag):
    """The tag and its letter are no part of the name."""
    assert (read({"name": shown}).name, read({"name": shown}).tag) == (name, tag)


def test_records_of_running_tasks_share_what_is_the_same():
    """Of 100,000 running tasks each copy of a text and each empty dict would count."""
    tag, row = "abcdefgh2345", {"_id": "a" * 24, "current_status": "pending", "name": "a kite ~abcdefgh2345a"}
    known = wire.record(VIDEOS, copied(row), tag=tag)
    fresh = wire.record(VIDEOS, copied(row) | {"current_status": "processing"}, like=known)
    assert known.tag is tag
    assert (fresh.id, fresh.name, fresh.tag) == (known.id, "a kite", tag)
    assert fresh.id is known.id
    assert fresh.name is known.name
    assert fresh.tag is tag
    assert fresh.extra is fresh.raw is known.raw


def test_a_record_takes_no_text_that_is_another():
    """Another id, name or tag is told as it is."""
    known = wire.record(VIDEOS, {"_id": "a" * 24, "current_status": "pending", "name": "a kite ~abcdefgh2345a"})
    row = {"_id": "b" * 24, "current_status": "pending", "name": "a bird"}
    fresh = wire.record(VIDEOS, row, tag="abcdefgh2345", like=known)
    assert (fresh.id, fresh.name, fresh.tag) == ("b" * 24, "a bird", None)


@pytest.mark.parametrize("change", [lambda raw: raw.update(a=1), lambda raw: raw.__setitem__("a", 1)])
def test_what_all_running_tasks_share_cannot_be_changed(change):
    """Nobody writes into the records of others; a copy is a dict like any other."""
    record = wire.record(VIDEOS, {"_id": "a" * 24, "current_status": "pending"})
    with pytest.raises(TypeError, match="final records only"):
        change(record.raw)
    assert pickle.loads(pickle.dumps(record)) == copy.deepcopy(record) == record
    assert type(copy.copy(record.raw)) is dict
    assert json.dumps(record.raw) == "{}"


def copied(row):
    """Give a row with texts of its own, as each reply has them."""
    return json.loads(json.dumps(row))

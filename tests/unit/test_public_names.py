"""The names of the root are what users and checks rely on."""

from __future__ import annotations

import ast
import functools
import importlib.resources
import inspect
import types
import typing
from pathlib import Path

import pytest

import a2e_async
from a2e_async.batch import Batch
from a2e_async.short_forms import Short

CONTRACT = {
    "A2EClient",
    "Cadence",
    "ImageToVideo",
    "Job",
    "Journal",
    "Record",
    "Result",
    "Retry",
    "Status",
    "TextToImage",
    "Webhook",
}
EXPORTS = sorted(set(a2e_async.__all__) - {"__version__"})
CLIENT = {
    *("start", "with_options", "attach", "find", "record", "records", "delete", "job_of"),
    *("drain", "hint", "as_completed", "gather", "download", "upload", "balance", "quote", "open", "aclose"),
    *("answered", "base_url", "calls", "events", "fingerprint", "learned", "outage", "reserved", "spent", "stats"),
    *("webhook", "find_job", "job_with", "jobs", "stored_jobs", "upload_price", "service_time"),
    "held_batch",
}
JOB = {
    *("accepted", "status", "task_ids", "request", "coins", "done", "updates", "wait", "detach", "cancel"),
    *("records", "tag", "key", "family", "error", "trace_id", "stage", "on_end"),
}
BATCH = {"leave", "open", "redo", "run", "stop"}
TOOLS = ("annotations", "TYPE_CHECKING")
RESULT = {"url", "urls", "coins", "records", "task_ids", "to_dict", "trace_id"}
RECORD = {
    *("id", "name", "tag", "status", "coins", "created_at", "failed_code", "failed_message", "urls", "extra", "raw"),
    *("family", "to_dict", "trace_id"),
}
SURFACES = {
    a2e_async.A2EClient: CLIENT | set(a2e_async.families()),
    a2e_async.Job: JOB,
    a2e_async.Result: RESULT,
    a2e_async.Record: RECORD,
    Batch: BATCH,
}


def members():
    """Give every public member of every public class, with a name to show."""
    for name in EXPORTS:
        thing = getattr(a2e_async, name)
        if typing.get_origin(thing) is not typing.Union:  # an alias of types, which can say nothing
            yield name, thing
        if inspect.isclass(thing):
            for attribute, member in vars(thing).items():
                if not attribute.startswith("_") and callable(_function(member)):
                    yield f"{name}.{attribute}", _function(member)


def _function(member):
    """Give what stands behind a property, a class method or a cached property."""
    if isinstance(member, property):
        return member.fget
    if isinstance(member, classmethod | staticmethod):
        return member.__func__
    return member.func if isinstance(member, functools.cached_property) else member


MEMBERS = dict(members())


def test_the_root_shows_what_it_exports():
    """`__all__` is sorted, without doubles, and equals what is visible of the root besides modules."""
    visible = {
        name
        for name, thing in vars(a2e_async).items()
        if not name.startswith("_") and not isinstance(thing, types.ModuleType) and name not in TOOLS
    }
    late = {*a2e_async._LATE, "ImageToVideo", "TextToImage"}  # shown by `dir`, loaded when they are asked for
    assert late <= set(dir(a2e_async))
    assert visible | late == set(EXPORTS)
    assert list(a2e_async.__all__) == sorted(set(a2e_async.__all__))


def test_the_contract_is_exported():
    """The names that the design promises are there."""
    assert set(EXPORTS) >= CONTRACT


@pytest.mark.parametrize("kind", SURFACES)
def test_a_class_shows_what_is_written_down_and_nothing_else(kind):
    """A new public name is a promise, and one that goes breaks somebody's code: both are written down here first."""
    fields = {field.name for field in getattr(kind, "__attrs_attrs__", ())}
    slots = {name for base in kind.__mro__ for name in getattr(base, "__slots__", ())}
    assert {name for name in {*dir(kind), *fields, *slots} if not name.startswith("_")} == SURFACES[kind]


def test_an_open_object_shows_no_more_than_its_class():
    """Attributes that a client sets on itself are private, too; a job can be awaited."""
    a2e = a2e_async.A2EClient("sk_a")
    assert {name for name in vars(a2e) if not name.startswith("_")} <= SURFACES[a2e_async.A2EClient]
    assert hasattr(a2e_async.Job, "__await__")


def test_each_class_has_a_name_of_its_own():
    """Who searches for a class finds one: no two files define the same name."""
    files = Path(a2e_async.__file__).parent.rglob("*.py")
    classes = [
        node.name
        for file in files
        for node in ast.parse(file.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert len(classes) > 200
    assert [name for name in set(classes) if classes.count(name) > 1] == []


def test_families_is_the_function():
    """The root's `families` gives the known families; it is not the package of the same name."""
    assert {"image_to_video", "text_to_image"} <= set(a2e_async.families())
    assert "families" in a2e_async.__all__


@pytest.mark.parametrize("name", sorted(a2e_async.families()))
def test_each_family_has_its_short_form(name):
    """A family of the package is a method of the client with the same name and the request's own words."""
    short = getattr(a2e_async.A2EClient, name, None)
    assert isinstance(short, Short), "give it a line in a2e_async/short_forms.py"
    family = a2e_async.families()[name]
    assert short.__doc__ == family.request.__doc__
    assert family.forms[0].path in short.__doc__
    assert getattr(a2e_async, family.request.__name__) is family.request
    assert short.__get__(a2e_async.A2EClient("sk_a"), a2e_async.A2EClient).__doc__ == short.__doc__


def test_each_public_member_says_what_it_does():
    """Every public class, function and method has a docstring of its own."""
    assert len(MEMBERS) > 80
    assert [name for name, member in MEMBERS.items() if len((member.__doc__ or "").split()) < 3] == []


def test_the_package_says_that_it_is_typed():
    """py.typed is part of the package, so that type checkers read its annotations."""
    assert (importlib.resources.files(a2e_async) / "py.typed").is_file()


def test_the_version_is_a_version():
    """`__version__` is three numbers."""
    assert len([int(part) for part in a2e_async.__version__.split(".")]) == 3

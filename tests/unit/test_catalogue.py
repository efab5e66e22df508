"""The whole catalogue: every method and path of the service that is known can be reached, as data says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import a2e_async.families  # noqa: F401 - makes all families known
from a2e_async import families
from a2e_async.calls import catalogue

WIRE = Path(__file__).parents[1] / "wire"
FACTS = (WIRE / "endpoints.txt").read_text(encoding="utf-8").splitlines()
DOCUMENTED = json.loads((WIRE / "schemas.json").read_text(encoding="utf-8"))["endpoints"]
KNOWN = [line for line in FACTS if not line.startswith("#")]
MARKS = ("deprecated: ", "undocumented: ")


def plain(method, path):
    """Write an endpoint without the name of the id in its path, which differs from one to the other."""
    return method + " " + re.sub(r"{\w+}", "{id}", path)


def dialects_of(endpoint):
    """Give an endpoint in each of its dialects, nothing where there is none."""
    return [] if endpoint is None else [(endpoint.method, endpoint.path), *dialects_of(endpoint.older)]


def of_families():
    """Give every endpoint of every family, in each dialect and spelling."""
    for family in families().values():
        reached = [("POST", form.path) for form in family.forms]
        for endpoint in (family.detail, family.listing, family.batch, family.delete):
            reached += dialects_of(endpoint)
        for method, path in reached:
            yield plain(method, path)
            yield plain(method, family.other_spelling(path) or path)


def of_calls():
    """Give every endpoint of every call."""
    return [plain(listed.method, listed.path) for listed in catalogue()]


def test_every_known_endpoint_is_reached():
    """A family or a call reaches each method and path that the reference, an older page or a client names."""
    reached = {*of_families(), *of_calls()}
    assert [known for known in KNOWN if plain(*known.split()) not in reached] == []
    assert len(KNOWN) > 240


def test_each_documented_endpoint_is_known():
    """The list has whatever the document has a schema of."""
    known = {plain(*line.split()) for line in KNOWN}
    without = [key for key in DOCUMENTED if plain(*key.split()) not in known]
    assert not without, "give each a line in tests/wire/endpoints.txt"


def test_what_is_in_no_source_says_so():
    """A call that none of the sources names is marked as a guess."""
    known = {plain(*line.split()) for line in KNOWN}
    guessed = [one for one in catalogue() if plain(one.method, one.path) not in known]
    assert guessed
    for one in guessed:
        said = "undocumented: " in one.note
        assert said, f"give it a line in tests/wire/endpoints.txt, or a note that says why it is undocumented: {one}"


def test_a_note_is_a_reason():
    """Every note begins with its mark and goes on with a reason."""
    for one in catalogue():
        assert not one.note or one.note.startswith(MARKS), one
        assert one.note.removeprefix(MARKS[0]).removeprefix(MARKS[1]) or not one.note, one


def test_calls_are_listed_once_and_with_words():
    """No call is listed twice, and each says in one line what it does."""
    listed = catalogue()
    assert len({(one.group, one.name, one.method, one.path) for one in listed}) == len(listed)
    for one in listed:
        assert one.about.endswith("."), one
        assert len(one.about) <= 120, one


@pytest.mark.parametrize("group", ["account", "avatars", "speech", "streaming", "tasks"])
def test_the_groups_are_there(group):
    """People find the groups by their names."""
    assert any(one.group == group for one in catalogue())

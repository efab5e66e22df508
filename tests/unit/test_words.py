"""One word for one thing: what users read says video, image, audio, URL, poll, recover and finish."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import click
import pytest

import a2e_async
from a2e_async import batch, errors, simulator, web
from a2e_async.blocking import BlockingClient
from a2e_async.calls import Calls
from a2e_async.cli.app import app

ROOT = Path(__file__).parents[2]
PACKAGE = Path(a2e_async.__file__).parent

NEVER = re.compile(
    r"\b(films?|pictures?|sounds?|links?|adopt(s|ed|ion)?|settle[sd]?|settling|(re)?looks?|looked|looking|submit(s|ted)?)\b",
    re.IGNORECASE,
)

# What these words may also mean.
ALLOWED = re.compile(
    r"think[- ]?sound"  # the service's own name
    r"|`sound`|'sound'|\"sound\"|--sound|\bSound: audio|(?<=[-./])sound\b"  # the field of that name, and its family
    r"|\bsound: |, sound$"  # its place in a docstring, in a list of families or of fields
    r"|film grain|(?<=\n  )sound(?=  )|\b(start|quote|families) sound\b"
    r"|(symbolic|hard) links?|links?,? (pipes?|hard|or no plain|and devices|and pipes)|is a link\b|through a link"
    r"|\"link\"|'link'|`link`"  # a kind of input of Wan 3.0
    r"|look(s|ed|ing)?\s+(for|up|at|like)\b|where( |\n)+to( |\n)+look|looks( |\n)+like|look( |\n)+(in|there)\b"
    r"|sounds( |\n)+like|would( |\n)+look\b|captions( |\n)+look\b|<link rel=",
    re.IGNORECASE,
)
# The family `sound` is what the service calls thinkSound; two models have a field of that name.
NAMES_OF_THE_SERVICE = {"Sound", "sound"}


def wrong_in(text):
    """Give the words of a text that stand for something which has another word here."""
    allowed = [match.span() for match in ALLOWED.finditer(text)]
    return [
        word[0]
        for word in NEVER.finditer(text)
        if not any(begin <= word.start() and word.end() <= end for begin, end in allowed)
    ]


def words_of(name):
    """Give a name of Python as words."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name)


def public_things():
    """Give each public class and function, their public members, and the parameters of these, with a name to show."""
    roots = {"": a2e_async, "batch.": batch, "web.": web, "simulator.": simulator, "errors.": errors}
    things = {f"{where}{name}": getattr(root, name) for where, root in roots.items() for name in root.__all__}
    things |= {"BlockingClient": BlockingClient, "calls": Calls}
    things |= {f"calls.{group}": type(getattr(a2e_async.A2EClient("sk_a").calls, group)) for group in groups()}
    for name, thing in things.items():
        yield name, thing
        if inspect.isclass(thing):
            shown = [one for one in dir(thing) if not one.startswith("_") and one not in NAMES_OF_THE_SERVICE]
            yield from ((f"{name}.{one}", getattr(thing, one)) for one in shown)


def groups():
    """Give the names of the groups of calls."""
    return [name for name in dir(Calls) if not name.startswith("_")]


def commands(group=app, name="a2e"):
    """Give each command of the command line with its full name."""
    yield name, group
    if isinstance(group, click.Group):
        context = group.context_class(group)
        for one in group.list_commands(context):
            yield from commands(group.get_command(context, one), f"{name} {one}")


def texts_of(file):
    """Give the texts of a file that people read: in errors, in logs, in helps and in what is printed."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call | ast.Raise | ast.JoinedStr):
            said = (one for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str))
            yield from ((one.lineno, one.value) for one in said if " " in one.value)


@pytest.mark.parametrize("said", ["a film", "Its link has expired.", "one look", "it settles", "adopted", "no sound"])
def test_the_test_finds_them(said):
    """Each word is found where it stands for what has another word."""
    assert wrong_in(said)


@pytest.mark.parametrize(
    "said", ["a symbolic link", "looked for by its tag", "the thinkSound task", "the field `sound`"]
)
def test_other_meanings_are_allowed(said):
    """The service's own names, links of a file system and looking for something are no such words."""
    assert wrong_in(said) == []


def test_public_names_and_their_parameters():
    """No class, method, attribute or parameter is called by such a word."""
    found = set()
    for name, thing in public_things():
        last = name.rpartition(".")[2]
        fields = {field.name for field in getattr(thing, "__attrs_attrs__", ())}
        try:
            parameters = set(inspect.signature(thing).parameters) if callable(thing) else set()
        except (TypeError, ValueError):
            parameters = set()
        names = ({last} | fields | parameters) - NAMES_OF_THE_SERVICE
        found |= {f"{name}: {one}" for one in names if wrong_in(words_of(one))}
    assert found == set()


def test_docstrings_of_public_names():
    """No docstring that `help` shows says one of them."""
    said = {name: wrong_in(thing.__doc__) for name, thing in public_things() if isinstance(thing.__doc__, str)}
    assert len(said) > 300
    assert {name: words for name, words in said.items() if words} == {}


def test_helps_of_all_commands():
    """No help of the command line says one of them."""
    said = {}
    for name, command in commands():
        context = command.context_class(command, info_name=name, terminal_width=200)
        said[name] = wrong_in(command.get_help(context))
    assert len(said) > 20
    assert {name: words for name, words in said.items() if words} == {}


def test_texts_of_errors_logs_and_output():
    """No error, log line or printed line says one of them."""
    found = {
        f"{file.relative_to(PACKAGE)}:{line}: {text.strip()[:80]}"
        for file in PACKAGE.rglob("*.py")
        for line, text in texts_of(file)
        if wrong_in(text)
    }
    assert found == set()


@pytest.mark.parametrize(
    "file",
    [
        *(ROOT / name for name in ("README.md", "CHANGELOG.md")),
        *sorted((ROOT / ".github").glob("*.md")),  # not in the source archive
        *sorted(PACKAGE.rglob("*.html")),
        *sorted(PACKAGE.rglob("*.md")),
    ],
    ids=lambda file: file.name,
)
def test_documents_and_pages(file):
    """No document and no page says one of them."""
    lines = file.read_text("utf-8").splitlines()
    if file.name == "CONTRIBUTING.md":
        never = lines.index("| word | meaning | never |")
        end = lines.index("", never)
        lines[never:end] = [line.rpartition(" | ")[0] for line in lines[never:end]]
    said = "\n".join(line for line in lines if 'link rel="icon"' not in line)
    # In code of a page a link is what HTML calls so.
    said = re.sub(r"<(script|style).*?</\1>", "", said, flags=re.DOTALL)
    assert wrong_in(said) == []

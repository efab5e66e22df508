"""Rows that take outputs of other rows, checked before anything is paid: what is missing, what goes in a circle."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from a2e_async.batch.inputs import OutputOf
from a2e_async.batch.rows import BadRow, Row, image_field, shown
from a2e_async.core.fields import Field
from a2e_async.core.media_kinds import one_of
from a2e_async.core.plans import at_media, fields_of, kinds_made

_MOST_NAMED = 8


def chain_problems(rows: Mapping[str, Row]) -> list[BadRow]:
    """Say what keeps rows from ever getting what they take; each row is visited once, however long the chains.

    Args:
        rows: The rows by their ids.
    """
    chained = {row.id: row for row in rows.values() if row.sources()}
    followers = _followers(chained)
    problems: dict[str, BadRow] = {}
    for missing in [source for source in followers if source not in rows]:
        _refuse([missing], chained, followers, problems)
    for row_id, (source, words) in circles(_stuck(chained, followers, problems)).items():
        problems[row_id] = bad_row(rows[row_id], source, words)
    for row in chained.values():
        found = None if row.id in problems else own_problem(row, rows)
        if found is not None:
            problems[row.id] = found
            _refuse([row.id], chained, followers, problems)
    return list(problems.values())


def _refuse(
    sources: Sequence[str],
    chained: Mapping[str, Row],
    followers: Mapping[str, Sequence[str]],
    problems: dict[str, BadRow],
) -> None:
    """Refuse every row that waits, near or far, for a row that is not there or cannot be used."""
    words = no_usable(sources[0])
    for row_id, source in _behind(sources, followers):
        problems.setdefault(row_id, bad_row(chained[row_id], source, words))


def no_usable(source: str) -> str:
    """Say that a row takes something of one that is not there, or cannot be started."""
    return f"there is no usable row {shown(source)}"


def own_problem(row: Row, rows: Mapping[str, Row]) -> BadRow | None:
    """Say what is wrong with the outputs that a row names: they are none, or of another kind than is taken.

    Args:
        row: The row.
        rows: At least those that it names.
    """
    for field, one in _outputs(row):
        if words := _reference_problem(field, one, rows[one.row_id]):
            return bad_row(row, one.row_id, words)
    return None


def _outputs(row: Row) -> list[tuple[Field, OutputOf]]:
    """Give the outputs of other rows that a row takes, each with its field as it is in that place."""
    found: list[tuple[Field, OutputOf]] = []

    def note(one: object, field: Field) -> None:
        if isinstance(one, OutputOf):
            found.append((field, one))

    taken = row.taken
    for field in fields_of(row.family.request):
        if field.media and field.name in taken:
            at_media(field, taken[field.name], note)
    return found


def _reference_problem(field: Field, one: OutputOf, source: Row) -> str:
    makes = source.family.makes
    if makes == "record":
        return f"row {source.id} makes no file"
    # Without a field for it nobody has said how many there will be.
    counted = source.family.count_field
    asked = source.fields.get(counted, 1) if counted else one.number
    count = asked if isinstance(asked, int) else one.number
    if one.number > count:
        return f"row {source.id} makes {count} output{'s' if count > 1 else ''}, so there is no {one}"
    if not kinds_made(makes, source.family.request) & set(field.media):
        return f"takes {one_of(field.media)}, and row {source.id} ({source.family.name}) makes {one_of([makes])}"
    return ""


def bad_row(row: Row, source: str, words: str) -> BadRow:
    """Say of a row what keeps it from ever getting what it takes from another one."""
    name = next((name for name, one in row.inputs() if isinstance(one, OutputOf) and one.row_id == source), "")
    if row.image_from == source and name == image_field(row.family).name:
        name = "image_from"
    return BadRow(line=row.line, id=row.id, field=name, message=f"{name}: {words}")


def _followers(chained: Mapping[str, Row]) -> dict[str, list[str]]:
    followers: dict[str, list[str]] = {}
    for row in chained.values():
        for source in row.sources():
            followers.setdefault(source, []).append(row.id)
    return followers


def _behind(sources: Sequence[str], followers: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Give every row that waits for one of these, near or far, each once, with the one that it waits for."""
    line, seen = deque(sources), set(sources)
    while line:
        source = line.popleft()
        for row_id in followers.get(source, ()):
            if row_id not in seen:
                seen.add(row_id)
                yield row_id, source
                line.append(row_id)


def _stuck(
    chained: Mapping[str, Row], followers: Mapping[str, Sequence[str]], known: Mapping[str, object]
) -> dict[str, list[str]]:
    """Give the rows that never have their turn, with their sources: what is left when all that can go on has."""
    missing = {row_id: sum(one in chained for one in row.sources()) for row_id, row in chained.items()}
    free = deque(row_id for row_id, count in missing.items() if not count)
    while free:
        for row_id in followers.get(free.popleft(), ()):
            missing[row_id] -= 1
            if not missing[row_id]:
                free.append(row_id)
    return {row_id: chained[row_id].sources() for row_id, count in missing.items() if count and row_id not in known}


def circles(stuck: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
    """Say of each row that waits for itself, or behind such rows, for which source, and in which circle.

    Args:
        stuck: The rows that never have their turn, in their order, with the ids of their sources.
    """
    told: dict[str, str] = {}
    for begin in stuck:
        if begin not in told:
            told |= _circle_words(begin, stuck, told)
    return {row_id: (_next(row_id, stuck), words) for row_id, words in told.items()}


def _circle_words(begin: str, stuck: Mapping[str, Sequence[str]], told: Mapping[str, str]) -> dict[str, str]:
    """Go from a row to what it waits for until a row comes again, or one whose circle is known."""
    path: dict[str, int] = {}
    row_id = begin
    while row_id not in path and row_id not in told:
        path[row_id] = len(path)
        row_id = _next(row_id, stuck)
    if row_id in told:
        return dict.fromkeys(path, told[row_id])
    names = list(path)[path[row_id] :]
    few = [*names[:_MOST_NAMED], "…"] if len(names) > _MOST_NAMED else names
    words = f"rows wait for each other in a circle: {' → '.join(map(shown, [*few, names[0]]))}"
    return dict.fromkeys(path, words)


def _next(row_id: str, stuck: Mapping[str, Sequence[str]]) -> str:
    return next(source for source in stuck[row_id] if source in stuck)

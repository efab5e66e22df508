"""What a table, a spreadsheet or a data frame wrote, read as the type of its field.

What can mean one thing only is taken, however it is written. What could mean two things, or has lost something on its
way through another program, is refused with words on how to write it: a wrong guess here is a task that is paid for.
"""

from __future__ import annotations

import ast
import json
import math
import re
from collections import Counter
from decimal import Decimal
from typing import Any

from a2e_async.core.requests import Field

LISTS = 'write a list as JSON (["A", "B"]), or with spaces or | between its values'
"""How a list is written in a cell, for people."""

_NOTHING = frozenset({"nan", "none", "null", "<na>", "nat", "n/a", "na", "#n/a"})
_WORDS_OF_NOTHING = frozenset({"nan", "NaN", "NAN", "None", "NULL", "null", "<NA>", "NaT", "N/A"})
_TRUTH = {
    **dict.fromkeys(("true", "yes", "y", "on", "t", "1", "1.0"), True),
    **dict.fromkeys(("false", "no", "n", "off", "f", "0", "0.0"), False),
}
_BROKEN = re.compile(r"#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!)|#{3,}|Err:\d+")
_SHORTENED = re.compile(r"[+-]?\d([.,]\d+)?[eE]\+\d+")
_AS_FORMULA = re.compile(r'="(.*)"', re.DOTALL)
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_DECIMAL_COMMA = re.compile(r"[+-]?([0-9]+),([0-9]+)")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}([.,'\u2019 \u00a0\u202f][0-9]{3})+([.,][0-9]+)?")
_LONGEST_NUMBER = 40
_THOUSAND = 3
_WHOLE_FLOATS = 2**53
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_NEXT_ADDRESS = re.compile(r"([,;|]\s*|(?<=[a-z0-9]))https?://", re.IGNORECASE)


class UnclearError(ValueError):
    """A value could mean two things, or has lost something; its text says so without naming the field."""


class TwiceError(ValueError):
    """A name stands twice in one JSON object."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make a dict of a JSON object's pairs; of two values of one name neither is silently dropped.

    Raises:
        TwiceError: A name stands twice.
    """
    found = dict(pairs)
    if len(found) != len(pairs):
        raise TwiceError(Counter(name for name, _value in pairs).most_common(1)[0][0])
    return found


def is_empty(value: object, *, typed: bool) -> bool:
    """Whether nothing was given: no value, an empty cell, or the NaN that data frames put where they have none."""
    if isinstance(value, str):
        return not (value if typed else value.strip())
    return value is None or (isinstance(value, float) and math.isnan(value))


def text_of(cell: str) -> str:
    """Give the text of a table's cell; ="007" is how exporters keep a spreadsheet from reading text as a number.

    Raises:
        UnclearError: A spreadsheet's formula has failed.
    """
    formula = _AS_FORMULA.fullmatch(cell) if cell.startswith("=") else None
    text = formula[1].replace('""', '"') if formula else cell
    stripped = text.strip()
    if stripped.startswith(("#", "Err:")) and _BROKEN.fullmatch(stripped) and stripped != "#N/A":
        raise UnclearError(f"{stripped} is the error of a spreadsheet's formula")
    return text


def plain_text(text: str) -> str:
    """Give back a cell that holds free text, such as an id or a prompt.

    Raises:
        UnclearError: It is what another program writes for no value, or a number that it has shortened.
    """
    stripped = text.strip()
    if stripped in _WORDS_OF_NOTHING or stripped == "#N/A":
        raise UnclearError(f"{stripped} could be a word, or no value: leave the cell empty, or use JSON Lines")
    if stripped[-1:].isdecimal() and _SHORTENED.fullmatch(stripped):
        raise UnclearError(f"{stripped} is a number that a spreadsheet has shortened: format the column as text")
    return text


def value_of(value: Any, field: Field, *, typed: bool) -> Any:  # noqa: ANN401 - whatever the field holds
    """Read a value as the type of its field; what cannot be read is given back, for the field's rule to refuse.

    Args:
        value: Text of a cell, or a JSON value.
        field: The field.
        typed: Whether it comes from JSON, whose texts are meant as they stand.

    Returns:
        The value, or None where a data frame's word for "no value" stands in a field that has no use for words.

    Raises:
        UnclearError: It could mean two things, or has lost something.
    """
    if not isinstance(value, str):
        return _of_number(value, field) if isinstance(value, int | float) else value
    stripped = value.strip()
    if field.choices and stripped in field.choices:
        return stripped
    if field.kind is str and not field.choices and not field.rule.link:
        return value if typed else plain_text(value)
    if stripped.lower() in _NOTHING:
        return None
    if field.kind is str and field.rule.link and not typed:
        return _one_link(stripped)
    return _of_text(value, stripped, field)


def _of_number(value: float, field: Field) -> Any:  # noqa: ANN401 - whatever the field holds
    """Read a number of JSON: data frames write whole numbers and truth as 1024.0 and 1.0 where a column has gaps."""
    if isinstance(value, bool):
        return value
    if field.choices:
        return _choice(Decimal(str(value)) if math.isfinite(value) else None, value, field)
    if field.kind is bool and value in (0, 1):
        return bool(value)
    if field.kind is int and isinstance(value, float) and value.is_integer() and abs(value) < _WHOLE_FLOATS:
        return int(value)
    return value


def _of_text(text: str, stripped: str, field: Field) -> Any:  # noqa: ANN401 - whatever the field holds
    if field.kind is bool:
        return _TRUTH.get(stripped.lower(), text)
    if field.choices:
        return _choice(_number(stripped), text, field)
    if field.kind is int:
        number = _number(stripped)
        _refuse_rounded(stripped, number)
        return int(number) if number is not None and number == number.to_integral_value() else text
    if field.kind is float:
        number = _number(stripped)
        return text if number is None else float(number)
    if field.kind is list:
        return _list(stripped, field)
    return _json(stripped, dict, "must be a JSON object") if field.kind is dict else text


def _choice(number: Decimal | None, value: Any, field: Field) -> Any:  # noqa: ANN401 - whatever the field holds
    """Give the choice that is this number, such as "3.0" for a 3; the value itself where there is none."""
    same = [one for one in field.choices if number is not None and _plain_number(str(one)) == number]
    return same[0] if len(same) == 1 else value


def _plain_number(text: str) -> Decimal | None:
    return Decimal(text) if len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text) else None


def _number(text: str) -> Decimal | None:
    """Read a number; None if it is none.

    Raises:
        UnclearError: A mark in it could stand between thousands or before decimals: 1,024 is two numbers.
    """
    comma = _DECIMAL_COMMA.fullmatch(text)
    if comma and (len(comma[2]) != _THOUSAND or len(comma[1]) > _THOUSAND or comma[1].startswith("0")):
        return _plain_number(text.replace(",", "."))
    plain = _plain_number(text)
    if plain is None and _GROUPED.fullmatch(text):
        raise UnclearError(f"write numbers without marks between thousands, with a point before decimals, not {text!r}")
    return plain


def _refuse_rounded(text: str, number: Decimal | None) -> None:
    """Refuse 1.02E+03: a program that writes a plus there has rounded to what it shows, and it may have been 1024."""
    mantissa, _e, exponent = text.lower().partition("e")
    digits = sum(map(str.isdigit, mantissa.lstrip("+-0.")))
    if number is not None and exponent.startswith("+") and digits <= number.adjusted():
        raise UnclearError(f"{text} has lost its last digits: format the column as a number")


def _one_link(text: str) -> str:
    if _NEXT_ADDRESS.search(text):
        raise UnclearError("takes one URL, and the cell could hold several")
    return text


def _list(text: str, field: Field) -> list[Any]:
    if text.startswith("["):
        found: list[Any] = _json(text, list, f"must be a JSON array; {LISTS}")
        return found
    if field.item is not str:
        raise UnclearError("must be a JSON array")
    pieces = [piece.strip() for piece in text.split("|")] if "|" in text else text.split()
    for piece in pieces:
        # a comma may be part of a URL or of a file's name, so that only a person knows where one value ends
        several = _NEXT_ADDRESS.search(piece) or piece.endswith((",", ";")) or piece.startswith((",", ";"))
        if several or (re.search("[,;]", piece) and not _ADDRESS.match(piece)):
            raise UnclearError(LISTS)
    return [piece for piece in pieces if piece]


def _json(text: str, kind: type, words: str) -> Any:  # noqa: ANN401 - JSON is anything
    """Read JSON, or what Python's repr makes of the same, which is what data frames write into a cell."""
    try:
        found = json.loads(text, object_pairs_hook=unique)
    except TwiceError as error:
        raise UnclearError(f"the name {error.name[:_LONGEST_NUMBER]!a} is given twice in its JSON") from None
    except (ValueError, RecursionError):
        found = _python(text)
    if not isinstance(found, kind):
        raise UnclearError(words)
    return found


def _python(text: str) -> Any:  # noqa: ANN401 - a literal is anything
    """Read a literal of Python that is exactly what its repr writes; ['a' 'b'] of an array would become one text."""
    if "\\" in text:  # compiling an unknown escape warns on stderr
        return None
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return found if repr(found) == text else None

"""What the service says about tasks, as values."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NoReturn

import attrs

from a2e_async.core.inputs import Made
from a2e_async.core.rendering import Rendered
from a2e_async.core.status import Status


class Plain:
    """Gives its facts as plain JSON values, for an endpoint's answer.

    `dict(...)` of it gives the same, which is how FastAPI turns what an endpoint returns into JSON; where an endpoint
    is annotated with its class, pydantic asks `__get_pydantic_core_schema__`.
    """

    __slots__ = ()

    def to_dict(self) -> dict[str, Any]:
        """Give the facts as plain JSON values."""
        raise NotImplementedError

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self.to_dict().items())

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: object, _handler: object) -> Any:  # noqa: ANN401 - pydantic's
        from pydantic_core import core_schema  # noqa: PLC0415 - whoever calls this has it

        shape = core_schema.dict_schema(core_schema.str_schema(), core_schema.any_schema())
        told = core_schema.plain_serializer_function_ser_schema(cls.to_dict, return_schema=shape)
        return core_schema.is_instance_schema(cls, serialization=told)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: object, _handler: object) -> dict[str, Any]:
        return {"type": "object", "title": cls.__name__}


class _Nothing(dict[str, Any]):
    """An empty dict that stays empty, so that the records of all running tasks can hold the same one."""

    __slots__ = ()

    def __setitem__(self, *_given: object) -> NoReturn:
        raise TypeError("extra and raw of a record are what the service says, and are kept of final records only")

    def setdefault(self, *given: object) -> NoReturn:
        self.__setitem__(*given)

    def update(self, *given: object, **_named: object) -> NoReturn:
        self.__setitem__(*given)

    def __ior__(self, other: object) -> NoReturn:  # type: ignore[misc]  # beside `__or__`, which gives another dict
        self.__setitem__(other)

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[()]]:
        return dict, ()


NOTHING: Final[Mapping[str, Any]] = _Nothing()


@attrs.frozen(kw_only=True)
class Record(Rendered, Plain, Made):
    """What the service says about one task at one moment.

    Attributes:
        id: The task's id (24 hexadecimal digits).
        family: The name of its family.
        name: The task's name, without our tag.
        tag: The tag in the task's name, without its send letter, or None.
        status: Where the task stands.
        coins: Coins charged at the start, or None when the reply does not say.
        created_at: When the service took the task, or None.
        failed_code: The service's code for a failure, "" otherwise.
        failed_message: The service's words for a failure, "" otherwise.
        urls: Result URLs in order; they expire after about three days.
        trace_id: The service's mark of the reply that said so, which its support asks for, or None.
        extra: Fields of the reply that have no attribute here (final records only).
        raw: The whole reply for this task (final records only).
    """

    id: str
    family: str = ""
    name: str = ""
    tag: str | None = None
    status: Status = Status.UNKNOWN
    coins: float | None = None
    created_at: datetime | None = None
    failed_code: str = ""
    failed_message: str = ""
    urls: tuple[str, ...] = ()
    trace_id: str | None = attrs.field(default=None, repr=False, eq=False)  # each reply has another one
    extra: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    raw: Mapping[str, Any] = attrs.field(factory=dict, repr=False)

    def _outputs(self) -> tuple[str, ...]:
        return self.urls

    def to_dict(self) -> dict[str, Any]:
        """Give every attribute but `extra` and `raw` as plain JSON values.

        These two, which are JSON already, hold whatever the service says, such as the account's id: not for everybody.
        """
        known = (one.name for one in attrs.fields(Record) if one.name not in ("extra", "raw"))
        return {name: _plain(getattr(self, name)) for name in known}


@attrs.frozen
class Result(Rendered, Plain, Made):
    """What a job comes to when all its tasks have completed.

    Attributes:
        records: The final record of each task, in the order of the start's reply.
    """

    records: tuple[Record, ...]

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The ids of the tasks."""
        return tuple(record.id for record in self.records)

    @property
    def urls(self) -> tuple[str, ...]:
        """Every output, in order; the URLs expire after about three days."""
        return tuple(url for record in self.records for url in record.urls)

    @property
    def url(self) -> str:
        """The first output, "" when there is none."""
        return next(iter(self.urls), "")

    @property
    def trace_id(self) -> str | None:
        """The service's mark of the reply in which the first of these tasks had completed, or None."""
        return next((record.trace_id for record in self.records if record.trace_id), None)

    @property
    def coins(self) -> float | None:
        """Coins charged for all tasks, or None when the service did not say."""
        return coins_of(self.records)

    def _outputs(self) -> tuple[str, ...]:
        return self.urls

    def to_dict(self) -> dict[str, Any]:
        """Give `url`, `urls`, `coins`, `task_ids` and `records` as plain JSON values."""
        return {
            "url": self.url,
            "urls": list(self.urls),
            "coins": self.coins,
            "task_ids": list(self.task_ids),
            "records": [record.to_dict() for record in self.records],
        }


def _plain(value: object) -> object:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # half a character would break the writer of the answer
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def coins_of(records: Sequence[Record]) -> float | None:
    """Add up the coins that these records name, None when none does."""
    if len(records) == 1:  # as of most starts
        return records[0].coins
    known = [record.coins for record in records if record.coins is not None]
    return sum(known) if known else None

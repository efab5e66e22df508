"""What waits, in front of what is awaited: methods and attributes made of the async ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial, wraps
from typing import Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from a2e_async.blocking.portal import Portal

P = ParamSpec("P")
S = TypeVar("S")
S_co = TypeVar("S_co", covariant=True)
T = TypeVar("T")
U = TypeVar("U")


class Front(Generic[S_co]):
    """What waits, in front of what is awaited.

    Args:
        behind: What is awaited.
        portal: The way to its loop.
    """

    def __init__(self, behind: S_co, portal: Portal) -> None:
        self._behind = behind
        self._portal = portal

    def __repr__(self) -> str:
        return f"<Blocking{repr(self._behind)[1:].removeprefix('A2E')}"


def made(
    method: Callable[Concatenate[S, P], T], how: Callable[[Portal, Callable[[], T]], U]
) -> Callable[Concatenate[Front[S], P], U]:
    """Make a method of a front of the async one, with its parameters and its docstring.

    Args:
        method: The async method.
        how: How to get from what it gives to what the front gives.
    """

    @wraps(method)
    def call(front: Front[S], /, *args: P.args, **kwargs: P.kwargs) -> U:
        return how(front._portal, partial(method, front._behind, *args, **kwargs))  # noqa: SLF001 - a method of it

    return call


def waited(portal: Portal, work: Callable[[], Awaitable[T]]) -> T:
    """Wait for what an async method gives."""
    return portal.wait(work)


def called(portal: Portal, work: Callable[[], T]) -> T:
    """Call a method that waits for nothing."""
    return portal.call(work)


def each(portal: Portal, work: Callable[[], AsyncIterator[T]]) -> Iterator[T]:
    """Give what an async iterator gives, one by one."""
    return portal.each(work())


class Shown(Generic[S, T]):
    """An attribute that reads one of what is behind the front, with its docstring."""

    def __init__(self, kind: type[S], read: Callable[[S], T]) -> None:
        self._kind = kind
        self._read = read

    def __set_name__(self, owner: type[object], name: str) -> None:
        self.__doc__ = getattr(self._kind, name).__doc__

    @overload
    def __get__(self, front: None, owner: type[object]) -> Self: ...
    @overload
    def __get__(self, front: Front[S], owner: type[object]) -> T: ...
    def __get__(self, front: Front[S] | None, owner: type[object]) -> Self | T:
        return self if front is None else self._read(front._behind)  # noqa: SLF001 - an attribute of it

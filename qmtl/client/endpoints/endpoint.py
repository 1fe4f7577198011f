"""One description of an endpoint, and what it is on a blocking and on an asyncio client."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, overload

from qmtl.client.calls import Call, Negotiated, Pages

P = ParamSpec("P")
T = TypeVar("T")


class Blocking(Protocol):
    """A client whose answers are there when the call returns."""

    def answer(self, call: Call[T] | Negotiated[T]) -> T: ...

    def items(self, pages: Pages[T]) -> Iterator[T]: ...


class Waiting(Protocol):
    """A client whose answers are awaited."""

    async def answer_later(self, call: Call[T] | Negotiated[T]) -> T: ...

    def items_later(self, pages: Pages[T]) -> AsyncIterator[T]: ...


class endpoint(Generic[P, T]):  # noqa: N801  (a decorator)
    """A method that says what to ask. On a `Blocking` client it answers, on a `Waiting` one it is awaited."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Call[T] | Negotiated[T]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> endpoint[P, T]: ...

    @overload
    def __get__(self, client: Blocking, owner: type) -> Callable[P, T]: ...

    @overload
    def __get__(self, client: Waiting, owner: type) -> Callable[P, Awaitable[T]]: ...

    def __get__(self, client: Any, owner: type) -> Any:
        if client is None:
            return self

        @functools.wraps(self.describe)
        def asked(*args: P.args, **kwargs: P.kwargs) -> Any:
            call = self.describe(client, *args, **kwargs)
            return client.answer(call) if hasattr(client, "answer") else client.answer_later(call)

        return asked


class paged(Generic[P, T]):  # noqa: N801  (a decorator)
    """A method that says which list to read; it gives an iterator over the items of all its pages."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Pages[T]]) -> None:
        self.describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> paged[P, T]: ...

    @overload
    def __get__(self, client: Blocking, owner: type) -> Callable[P, Iterator[T]]: ...

    @overload
    def __get__(self, client: Waiting, owner: type) -> Callable[P, AsyncIterator[T]]: ...

    def __get__(self, client: Any, owner: type) -> Any:
        if client is None:
            return self

        @functools.wraps(self.describe)
        def asked(*args: P.args, **kwargs: P.kwargs) -> Any:
            pages = self.describe(client, *args, **kwargs)
            return client.items(pages) if hasattr(client, "items") else client.items_later(pages)

        return asked

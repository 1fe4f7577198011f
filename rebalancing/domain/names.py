"""Columns of names as places among the distinct ones: each name is looked at once, and arrays do the rest."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TypeVar, overload

import numpy as np

from rebalancing.domain.decimals import Index
from rebalancing.domain.ratios import grouped

Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Names(Sequence[str]):
    """A column of names: each distinct one once, sorted, and the place among them of each entry."""

    distinct: Sequence[str]
    place: Index

    def __len__(self) -> int:
        return len(self.place)

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> Names: ...
    def __getitem__(self, row: int | slice) -> str | Names:
        if isinstance(row, slice):
            return Names(self.distinct, self.place[row])
        return self.distinct[int(self.place[row])]

    def __iter__(self) -> Iterator[str]:
        return map(self.distinct.__getitem__, self.place.tolist())


@dataclass(frozen=True, eq=False)
class Pairs:
    """Distinct pairs of names, sorted."""

    firsts: Names
    seconds: Names

    def __len__(self) -> int:
        return len(self.firsts)

    @property
    def kinds(self) -> int:
        """How many there are, and 1 where there is none, so that it divides."""
        return max(len(self), 1)

    @cached_property
    def names(self) -> tuple[tuple[str, str], ...]:
        return tuple(zip(self.firsts, self.seconds, strict=True))


def coded(names: Sequence[str]) -> Names:
    return names if isinstance(names, Names) else coded_among(set(names), names)


def coded_among(distinct: Collection[str], names: Sequence[str]) -> Names:
    """The column of `names`, all of which are among the `distinct` ones."""
    known = sorted(distinct)
    place = dict(zip(known, range(len(known)), strict=True))
    return Names(known, np.fromiter(map(place.__getitem__, names), dtype=np.int64, count=len(names)))


def coded_pairs(firsts: Names, seconds: Names) -> tuple[Pairs, Index]:
    """Each pair of entries once, and the place among these of each entry: no pair is made to be looked up."""
    count = max(len(seconds.distinct), 1)
    groups = grouped(firsts.place * count + seconds.place)
    first, second = np.divmod(groups.keys, count)
    return Pairs(Names(firsts.distinct, first), Names(seconds.distinct, second)), groups.of_row


def by_owner(items: Sequence[Item], owner: Index, owners: Sequence[str]) -> dict[str, Sequence[Item]]:
    """The items of each owner; `owner` of each item is its place among `owners`, and they are in that order."""
    bounds = np.searchsorted(owner, np.arange(len(owners) + 1)).tolist()
    return {name: items[start:end] for name, (start, end) in zip(owners, pairwise(bounds), strict=True)}

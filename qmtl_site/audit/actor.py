"""Who acts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Actor:
    """A user through a token or the admin, with his roles in the world concerned; or the service (`user_id` None)."""

    user_id: int | None
    name: str
    is_superuser: bool = False
    roles: frozenset[str] = frozenset()
    label: str = ""
    request_id: str = ""

    @classmethod
    def service(cls, name: str) -> Actor:
        return cls(user_id=None, name=f"service:{name}")

    @property
    def is_service(self) -> bool:
        return self.user_id is None

    def has_any_role(self, *roles: str) -> bool:
        return self.is_superuser or self.is_service or not self.roles.isdisjoint(roles)

    def is_user(self, user_id: int | None) -> bool:
        return self.user_id is not None and self.user_id == user_id

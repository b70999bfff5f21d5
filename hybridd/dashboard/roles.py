"""The roles of people, and what each may do."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from hybridd.dashboard.api_tokens import Scope


class Role(StrEnum):
    """Who somebody is to the page."""

    VIEWER = "viewer"  # looks
    TRADER = "trader"  # looks, acknowledges, decides, changes settings


SCOPES: Mapping[Role, frozenset[Scope]] = MappingProxyType(
    {Role.VIEWER: frozenset({Scope.READ}), Role.TRADER: frozenset(Scope)}
)

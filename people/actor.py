"""Who is asking: a plain value made from a membership or an API key, and handed to every gate."""

from dataclasses import dataclass

from people.roles import Permission, Role, allows


@dataclass(frozen=True)
class Actor:
    """A person or a key, inside one organisation. site_ids None means every site of it."""

    organisation_id: int
    role: Role
    site_ids: frozenset[int] | None
    label: str
    user_id: int
    membership_id: int
    api_key_id: int | None = None

    def can(self, permission: Permission) -> bool:
        return allows(self.role, permission)

    @property
    def is_key(self) -> bool:
        return self.api_key_id is not None


@dataclass(frozen=True)
class System:
    """The product itself, doing what somebody told it to beforehand; `label` says what told it: a rule, a plan."""

    organisation_id: int
    label: str
    user_id: None = None
    api_key_id: None = None


Doer = Actor | System

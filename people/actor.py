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

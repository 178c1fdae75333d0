"""Who may touch it: users, organisations, memberships, invitations, API keys, the audit trail."""

from people.models.api_key import ApiKey
from people.models.audit import AuditEntry
from people.models.invitation import Invitation
from people.models.organisation import Membership, Organisation
from people.models.user import User

__all__ = ["ApiKey", "AuditEntry", "Invitation", "Membership", "Organisation", "User"]

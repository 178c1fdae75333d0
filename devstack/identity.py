"""Which user the database runs as, and how a child is tied to the life of its parent.

PostgreSQL refuses uid 0. As root there are two ways round, tried in this order: a user namespace (root outside, an
ordinary uid inside, nothing on disk changes), or another uid that keeps the one capability needed to reach a
checkout below a 0700 folder such as root's home.
"""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import subprocess
import sys
from typing import Literal

from devstack.problem import Problem

Way = Literal["plain", "userns", "setpriv"]


def die_with_parent(signal_name: str) -> list[str]:
    """The command prefix by which the kernel sends that signal when the starting thread is gone, kill -9 included."""
    if sys.platform == "linux" and shutil.which("setpriv"):
        return ["setpriv", f"--pdeathsig={signal_name}", "--"]
    return []


def other_user() -> pwd.struct_passwd:
    """A user who is not root and has a name, which PostgreSQL insists on.

    Never `postgres`, which appears and vanishes with a package; `nobody` last, because 65534 is also what every
    unmapped uid looks like inside a namespace.
    """
    for name in ("daemon", "bin", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return next(user for user in pwd.getpwall() if user.pw_uid != 0)


@functools.cache
def way() -> Way:
    """How this process can run PostgreSQL. Raises Problem when it is root and neither way works."""
    if os.geteuid() != 0:
        return "plain"
    for candidate in ("userns", "setpriv"):
        if _works(candidate):
            return candidate
    raise Problem(
        "PostgreSQL refuses to run as root, and neither unshare nor setpriv works here: "
        "run as an ordinary user, or set DATABASE_URL to a server of yours."
    )


def prefix(chosen: Way) -> list[str]:
    """The command prefix that makes a child run as the database's user."""
    if chosen == "plain":
        return []
    user = other_user()
    if chosen == "userns":
        return ["unshare", "--user", f"--map-user={user.pw_uid}", f"--map-group={user.pw_gid}", "--"]
    keep = "-all,+dac_override"
    return [
        "setpriv",
        "--securebits=+no_setuid_fixup",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        f"--inh-caps={keep}",
        f"--ambient-caps={keep}",
        f"--bounding-set={keep}",
        "--",
    ]


def owner(chosen: Way) -> tuple[int, int]:
    """The (uid, gid) to whom the database's files belong on disk."""
    if chosen == "setpriv":
        user = other_user()
        return user.pw_uid, user.pw_gid
    return os.geteuid(), os.getegid()


def _works(candidate: Way) -> bool:
    command = prefix(candidate)
    if not shutil.which(command[0]):
        return False
    return subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0

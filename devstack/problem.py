"""The one exception whose text is meant for the person at the terminal: a sentence that says what to do."""

from __future__ import annotations

import errno

DISK_FULL = "The disk is full: free some space and run the same command again."
# The C library's, PostgreSQL's, SQLite's.
DISK_FULL_WORDS = ("No space left on device", "Check free disk space", "database or disk is full")
# What stands before a sentence that the product has for the person at the terminal.
SENTENCE_MARKERS = ("django.core.exceptions.ImproperlyConfigured: ", "\nCommandError: ")


class Problem(Exception):
    """Something a person can put right. The text is one sentence and is printed without a traceback."""


def from_os_error(error: OSError) -> Problem | None:
    """The sentence for a failed system call, or None when it is a defect of ours and deserves its traceback."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Problem(DISK_FULL)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and error.filename:
        return Problem(f"{error.filename} cannot be written: give this user write access to it, or remove it.")
    return None


def says_disk_full(text: str) -> bool:
    """Whether a program complained of a full disk."""
    return any(words in text for words in DISK_FULL_WORDS)


def from_program(called: str, output: str) -> Problem:
    """The sentence for a program of ours that failed: its own if it said one, else what it printed last."""
    tail = output.strip()
    for marker in SENTENCE_MARKERS:
        if marker in tail:
            return Problem(tail.rsplit(marker, 1)[1].splitlines()[0])
    return from_output(output, f"{called} failed:\n{tail[-3000:]}")


def from_output(text: str, otherwise: str) -> Problem:
    """The sentence for a program that failed after printing `text`."""
    return Problem(DISK_FULL if says_disk_full(text) else otherwise)

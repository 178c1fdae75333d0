"""The numbers of the advisory locks that the product takes in PostgreSQL, all in one place: no two are equal."""

from enum import IntEnum


class Lock(IntEnum):
    COMMAND_SENDERS = 7_419_001  # with the number of a seat
    RECEIPT_MAIL = 7_419_002  # with a link's id
    READER = 7_419_003
    PEOPLES_SENDERS = 7_419_004  # with the number of a seat
    HISTORY_READER = 7_419_005  # with an account's id

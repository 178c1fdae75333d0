"""The door for a WSGI server such as gunicorn, and what every body gets on its way in and out."""

import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, BinaryIO, cast

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

READ_BYTES = 65_536
LONGEST_BYTES = 32 * 1024 * 1024  # far beyond what any page or hook takes; whoever sends more may see a reset
KEPT_IN_MEMORY_BYTES = 1024 * 1024


def whole_bodies(application: Application) -> Application:
    """Every body is read to its end, at most LONGEST_BYTES, whatever the application made of it.

    A connection closed on unread bytes is reset, and the sender loses the answer: a form that is too long would show
    "connection reset" instead of its error, a webhook would be sent again. A body of unknown length (chunked) is
    measured first, for Django takes one without Content-Length as empty.
    """

    def read_whole(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "HTTP_TRANSFER_ENCODING" in environ and environ.get("wsgi.input_terminated"):
            environ["wsgi.input"], environ["CONTENT_LENGTH"] = _measured(environ["wsgi.input"])
        answer = application(environ, start_response)
        _drain(environ["wsgi.input"])
        return answer

    return read_whole


def _measured(stream: BinaryIO) -> tuple[BinaryIO, str]:
    held = tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY_BYTES)  # noqa: SIM115  goes with the request
    for piece in _pieces(stream):
        held.write(piece)
    length = held.tell()
    held.seek(0)
    return cast("BinaryIO", held), str(length)


def _drain(stream: BinaryIO) -> None:
    with suppress(Exception):  # the answer stands; whoever hung up does not read it
        for _piece in _pieces(stream):
            pass


def _pieces(stream: BinaryIO) -> Iterable[bytes]:
    taken = 0
    while taken < LONGEST_BYTES and (piece := stream.read(READ_BYTES)):
        taken += len(piece)
        yield piece


application = whole_bodies(get_wsgi_application())

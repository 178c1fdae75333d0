"""The forecourt page, drawn here; moved by the control routes."""

from sandbox.wire import Answer, Request, error
from sandbox.world import World


def answer(world: World, request: Request) -> Answer:
    """Serve the page and its files."""
    return error(404, "notFound", "Not here yet.")

"""The demo world's drivers."""

from sandbox.world import World


def populate(world: World) -> None:
    """Give the demo world its drivers."""

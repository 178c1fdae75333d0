"""The house stands: imports run down, faces stand over data, nothing goes in a circle (docs/architecture.md)."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# From the roof to the ground. A package may import only those to its right.
FLOORS = ("config", "api", "reporting", "charging", "fleet", "people")
# They import nothing of ours but their own modules: the ground, the witness, the launcher.
APART = ("eevion", "lib", "sandbox", "devstack")
APPS = ("reporting", "charging", "fleet", "people")
# Inside an app, from the face to the data; what is not named is a domain module.
FACES = ("urls", "views", "management", "admin", "tasks", "forms")
# Plain data that models themselves need.
DATA = {"models", "migrations", "actor", "roles"}
# Who may know a package of others.
ONLY = {
    "rest_framework": {"api"},
    "drf_spectacular": {"api"},
    "requests": {"eevion", "sandbox", "bench", "tests"},
    "celery": {"config", "tasks"},
}
CLIENT = "eevion.Client"
BUILDS_CLIENTS = {("fleet", "gateway")}

Module = tuple[str, ...]


@cache
def source() -> dict[Module, Path]:
    """Every module of ours, by its dotted parts."""
    found = {}
    for package in (*FLOORS, *APART):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "migrations" not in path.parts:
                parts = path.relative_to(ROOT).with_suffix("").parts
                found[parts[:-1] if parts[-1] == "__init__" else parts] = path
    return found


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[Module]:
    """The dotted parts of all that the file imports, also inside functions; a from-import with each of its names."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports from the root"
            yield from ((*str(node.module).split("."), alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)


def pairs() -> Iterator[tuple[Module, Module]]:
    for here, path in source().items():
        yield from ((here, there) for there in imports(path))


def says(here: Module, there: Module) -> str:
    return f"{'.'.join(here)} imports {'.'.join(there)}"


def runs_up(here: Module, there: Module) -> bool:
    mine, other = here[0], there[0]
    if mine == other or other not in (*FLOORS, *APART):
        return False
    if mine in APART or other in ("sandbox", "devstack"):
        return True
    return other in FLOORS and FLOORS.index(other) < FLOORS.index(mine)


def rank(module: Module) -> int:
    """The lower the nearer to a face."""
    kind = module[1] if len(module) > 1 else ""
    if kind in FACES:
        return FACES.index(kind)
    return len(FACES) + (kind in DATA)


def climbs(here: Module, there: Module) -> bool:
    """Inside one app a module imports a face above itself, or data imports the domain."""
    if here[0] != there[0] or here[0] not in APPS or len(here) < 2 or there not in reachable(there):
        return False
    return rank(there) < rank(here)


def reachable(there: Module) -> set[Module]:
    """The name itself where it is a module, or an item of a module, of ours."""
    return {there} if there in source() or there[:-1] in source() else set()


def knows(here: Module, there: Module) -> bool:
    allowed = ONLY.get(there[0])
    return allowed is not None and not allowed & set(here)


def builds_client(here: Module) -> bool:
    """Names the vendor's client, or takes it out of the package, outside its own home."""
    if here[0] in ("eevion", "sandbox") or here[:2] in BUILDS_CLIENTS:
        return False
    calls = (node.func for node in ast.walk(tree(source()[here])) if isinstance(node, ast.Call))
    called = any(ast.unparse(func) == CLIENT for func in calls)
    return called or any(there[0] == "eevion" and there[-1] == "Client" for there in imports(source()[here]))


def circle(graph: dict[Module, set[Module]]) -> None:
    """Raises CycleError, which names the circle."""
    TopologicalSorter(graph).prepare()


def graph() -> dict[Module, set[Module]]:
    """Each module and those of ours that it imports; a package whose modules import it back counts by its modules."""
    known = source()
    edges: dict[Module, set[Module]] = {}
    for here, path in known.items():
        targets = {there if there in known else there[:-1] for there in imports(path)}
        edges[here] = {there for there in targets if there in known and there != here}
    return edges


def test_imports_between_packages_run_down() -> None:
    assert [says(here, there) for here, there in pairs() if runs_up(here, there)] == []


def test_imports_inside_an_app_run_from_face_to_data() -> None:
    assert [says(here, there) for here, there in pairs() if climbs(here, there)] == []


def test_packages_of_others_are_known_in_their_places_only() -> None:
    assert [says(here, there) for here, there in pairs() if knows(here, there)] == []


def test_one_door_to_the_vendor() -> None:
    assert [".".join(here) for here in source() if builds_client(here)] == []


def test_nothing_goes_in_a_circle() -> None:
    circle(graph())


def test_no_drawer_for_odds_and_ends() -> None:
    drawers = {"services", "utils", "common", "helpers", "misc"}
    assert [".".join(here) for here in source() if drawers & set(here)] == []


@pytest.mark.parametrize(
    ("here", "there", "up"),
    [
        ("fleet.gateway", "charging.models", True),
        ("charging.tasks", "fleet.gateway", False),
        ("lib.clock", "people.actor", True),
        ("eevion.client", "lib.clock", True),
        ("sandbox.world", "eevion.errors", True),
        ("config.settings", "sandbox.world", True),
        ("people.models", "lib.secrets", False),
        ("reporting.views", "api.gate", True),
        ("fleet.gateway", "django.db", False),
    ],
)
def test_the_rule_between_packages_sees(here: str, there: str, up: bool) -> None:
    assert runs_up(tuple(here.split(".")), tuple(there.split("."))) == up


@pytest.mark.parametrize(
    ("here", "there", "up"),
    [
        ("people.members", "people.forms", True),
        ("people.models", "people.members", True),
        ("people.forms", "people.models", False),
        ("people.urls", "people.views", False),
        ("people.models", "people.actor", False),
        ("people.forms", "fleet.forms", False),
    ],
)
def test_the_rule_inside_an_app_sees(here: str, there: str, up: bool) -> None:
    assert climbs(tuple(here.split(".")), tuple(there.split("."))) == up

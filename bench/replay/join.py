"""File, product and ledger side by side by reference: a row is completed, expired, unknown, or it is unexplained."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bench.replay.rows import Row

STEP_KWH = Decimal("0.001")
ZERO = Decimal(0)
VERDICTS = ("completed", "expired", "unknown", "unexplained")
Sessions = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Joined:
    """One row, what the product and the ledger say of it, and the verdict: completed, expired, unknown, unexplained."""

    row: Row
    verdict: str
    product_kwh: Decimal
    ledger_kwh: Decimal
    why: str = ""


def join(rows: Sequence[Row], product: Sessions, ledger: Sessions, problems: dict[str, str]) -> list[Joined]:
    """By reference; sessions that belong to no row are found by `strangers`."""
    ours, theirs = _by(product, "reference"), _by(ledger, "externalReference")
    return [_judge(row, ours[row.reference], theirs[row.reference], problems.get(row.reference, "")) for row in rows]


def strangers(rows: Sequence[Row], product: Sessions, ledger: Sessions) -> list[str]:
    """References that the file does not have."""
    known = {row.reference for row in rows}
    said = [str(one["reference"]) for one in product] + [str(one["externalReference"]) for one in ledger]
    return sorted({reference for reference in said if reference not in known})


def _by(sessions: Sessions, name: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for session in sessions:
        found[str(session[name])].append(session)
    return found


def _judge(row: Row, ours: list[dict[str, Any]], theirs: list[dict[str, Any]], problem: str) -> Joined:
    product_kwh = sum((_kwh(one["energy_kwh"]) for one in ours), ZERO)
    ledger_kwh = sum((_kwh(one["energy"]) for one in theirs), ZERO)
    verdict, why = "unexplained", _unexplained(row, ours, theirs, problem)
    if not why:
        verdict = str(ours[0]["state"])
        if verdict == "unknown":
            told = [entry.get("outcome") for entry in theirs[0]["webhooks"]] if theirs else ["never sent"]
            why = f"reply lost, webhook {', '.join(map(str, told)) or 'none'}"
    return Joined(row, verdict, product_kwh, ledger_kwh, why)


def _unexplained(row: Row, ours: list[dict[str, Any]], theirs: list[dict[str, Any]], problem: str) -> str:
    """Why the three do not fit together; empty where they do."""
    if problem:
        return problem
    if len(ours) != 1 or len(theirs) > 1:
        return f"{len(ours)} sessions in the product, {len(theirs)} in the ledger"
    mine, real = ours[0], theirs[0] if theirs else None
    if mine["state"] == "unknown":
        if real is not None and any(entry["outcome"] == "delivered" for entry in real["webhooks"]):
            return "unknown, although its webhook was delivered"
        return "" if real is None or real["replyLost"] else "unknown, although the answer was not lost"
    if real is None:
        return f"{mine['state']} in the product, never happened in the ledger"
    if mine["state"] not in ("completed", "expired") or mine["state"] != real["status"]:
        return f"{mine['state']} in the product ({mine['error'] or 'no error'}), {real['status']} in the ledger"
    if mine["final_at"] is None:
        return "never confirmed by a fresh read"
    energy = (row.energy_kwh, _kwh(mine["energy_kwh"]), _kwh(real["energy"]))
    if mine["state"] == "completed" and max(energy) - min(energy) >= STEP_KWH:
        return "kWh of file, product, ledger: {}, {}, {}".format(*energy)
    return ""


def _kwh(value: Any) -> Decimal:
    return Decimal(str(value)) if value is not None else ZERO


def table(joined: Sequence[Joined]) -> list[str]:
    """The table as lines, and below it every row that is not completed."""
    head = f"{'':<12}{'rows':>7}{'file kWh':>14}{'product kWh':>14}{'ledger kWh':>14}"
    lines = [_line(verdict, [one for one in joined if one.verdict == verdict]) for verdict in VERDICTS]
    rest = [_named(one) for one in joined if one.verdict != "completed"]
    return [head, *lines, _line("total", joined), *rest]


def _named(one: Joined) -> str:
    what = f"{one.verdict}: session {one.row.session_id} at {one.row.station}, {one.row.energy_kwh} kWh in the file"
    return f"{what}: {one.why}" if one.why else what


def _line(name: str, some: Sequence[Joined]) -> str:
    file_kwh = sum((one.row.energy_kwh for one in some), ZERO)
    product_kwh = sum((one.product_kwh for one in some), ZERO)
    ledger_kwh = sum((one.ledger_kwh for one in some), ZERO)
    return f"{name:<12}{len(some):>7}{file_kwh:>14.3f}{product_kwh:>14.3f}{ledger_kwh:>14.3f}"


def difference_is_explained(joined: Sequence[Joined]) -> bool:
    """The kWh of unknown and expired rows are the whole difference of file and product."""
    missing = sum((one.row.energy_kwh - one.product_kwh for one in joined), ZERO)
    named = sum((one.row.energy_kwh - one.product_kwh for one in joined if one.verdict in ("unknown", "expired")), ZERO)
    return abs(missing - named) < STEP_KWH

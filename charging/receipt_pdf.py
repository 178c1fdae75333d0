"""A receipt drawn as a PDF of one A4 page. The same receipt gives the same bytes, whoever asks and whenever.

What it says comes from receipts; nothing is computed here.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.translation import get_language
from django.utils.translation import gettext as _
from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import XPos, YPos

from charging.receipts import Fact, Receipt
from lib import assets

# Millimetres and points.
MARGIN, TOP, WIDTH = 24.0, 24.0, 162.0
ROW, GAP = 6.4, 7.0
TITLE_PT, TOTAL_PT, TEXT_PT, SMALL_PT = 13.0, 30.0, 10.0, 8.5
INK, GREY, LINE, BLUE = (26, 29, 36), (102, 108, 120), (224, 227, 232), (16, 92, 158)
UNKNOWN_SIGN = "□"
DROP = 0.83  # of the difference in height, so that texts of two sizes stand on one line


@dataclass(frozen=True)
class Cell:
    """Where on the line a text stands: from begin to end, in parts of the width."""

    begin: float
    end: float
    align: str = "L"


SPLIT, LAST = 0.6, 0.74
WHOLE, LABEL, VALUE = Cell(0, 1), Cell(0, 0.29), Cell(0.29, 1)
DETAIL, AMOUNT = Cell(0.29, LAST), Cell(LAST, 1, "R")
Part = tuple[str, Cell, float, tuple[int, int, int], bool]  # text, place, points, colour, bold


def draw(receipt: Receipt) -> bytes:
    """The whole file. Text in a script that the font lacks is shown as boxes, with a word about it."""
    sheet = Sheet(receipt)
    sheet.head()
    sheet.total()
    sheet.facts(receipt.where)
    sheet.facts(receipt.when)
    sheet.cost()
    sheet.changes()
    sheet.notes()
    return bytes(sheet.pdf.output())


def printable(text: str) -> str:
    """The text in letters that the font has: composed, else without its accent, else a box."""
    known = _letters()
    return "".join(
        sign if ord(sign) in known else _plain(sign, known)
        for sign in unicodedata.normalize("NFC", " ".join(text.split()))
    )


@cache
def _letters() -> frozenset[int]:
    return frozenset(TTFont(_fonts()["regular"], lazy=True).getBestCmap())


@cache
def _fonts() -> dict[str, Path]:
    """Built with the other assets; a process that finds none builds them once."""
    paths = assets.print_fonts()
    if not all(path.is_file() for path in paths.values()):
        assets.build()
    return paths


def _plain(sign: str, known: frozenset[int]) -> str:
    if unicodedata.category(sign) in ("Cf", "Mn", "Cc"):  # invisible, or a lone accent: nothing to show
        return ""
    base = "".join(part for part in unicodedata.normalize("NFKD", sign) if ord(part) in known)
    return base or UNKNOWN_SIGN


class Sheet:
    """Draws from top to bottom; every method leaves the pen below what it drew."""

    def __init__(self, receipt: Receipt) -> None:
        self.receipt = receipt
        self.pdf = FPDF(format="A4")
        self._boxes = False
        fonts = _fonts()
        self.pdf.add_font("Inter", "", fonts["regular"])
        self.pdf.add_font("Inter", "B", fonts["bold"])
        self.pdf.set_margins(MARGIN, TOP, MARGIN)
        self.pdf.c_margin = 0
        self.pdf.set_auto_page_break(True, margin=TOP)
        self._describe()
        self.pdf.add_page()

    def head(self) -> None:
        """Who gives the receipt, and what it is."""
        receipt = self.receipt
        left, right = Cell(0, SPLIT), Cell(SPLIT, 1, "R")
        self._line((receipt.issuer, left, TITLE_PT, INK, True), (_("Receipt"), right, TITLE_PT, INK, True))
        self._line((receipt.site, left, TEXT_PT, INK, False), (receipt.number, right, TEXT_PT, INK, False))
        self._line((receipt.address, left, TEXT_PT, GREY, False))
        self.pdf.ln(GAP * 1.6)

    def total(self) -> None:
        """The figures that are looked for first, and whether they are final."""
        receipt = self.receipt
        self._line((_("Total"), WHOLE, SMALL_PT, GREY, False), (_("Energy"), Cell(0, 1, "R"), SMALL_PT, GREY, False))
        total, energy = f"{receipt.amount} {receipt.currency}", f"{receipt.energy} kWh"
        self._line(
            (total, Cell(0, SPLIT), TOTAL_PT, INK, True), (energy, Cell(SPLIT, 1, "R"), TOTAL_PT * 0.6, INK, True)
        )
        self.pdf.ln(1)
        if receipt.is_final:
            self._line((_("Final figures of %(day)s") % {"day": receipt.issued}, WHOLE, SMALL_PT, GREY, False))
        else:
            self._line((_("Not final yet"), WHOLE, TEXT_PT, BLUE, True))
        self.pdf.ln(GAP * 0.8)

    def facts(self, facts: Sequence[Fact]) -> None:
        if not facts:
            return
        self._rule()
        for fact in facts:
            self._line((fact.label, LABEL, TEXT_PT, GREY, False), (fact.value, VALUE, TEXT_PT, INK, False), height=ROW)
        self.pdf.ln(GAP / 2)

    def cost(self) -> None:
        receipt = self.receipt
        if not (receipt.lines or receipt.tariff):
            return  # the total stands at the top
        if receipt.tariff:
            self.facts([Fact(_("Tariff"), receipt.tariff)])
            self.pdf.ln(-GAP / 2)
        else:
            self._rule()
        for line in receipt.lines:
            label = LABEL if line.detail else Cell(0, LAST)
            parts = [(line.label, label, TEXT_PT, GREY, False), (line.detail, DETAIL, TEXT_PT, INK, False)]
            amount = (f"{line.shown} {receipt.currency}", AMOUNT, TEXT_PT, INK, False)
            self._line(*parts, amount, height=ROW)
        if receipt.lines:
            self.pdf.ln(GAP / 4)
            self._rule(GAP / 4)
        total = f"{receipt.amount} {receipt.currency}"
        self._line((_("Total"), LABEL, TEXT_PT, INK, True), (total, AMOUNT, TEXT_PT, INK, True), height=ROW)
        self.pdf.ln(GAP / 2)

    def changes(self) -> None:
        if self.receipt.changes:
            self._rule()
            self._line((_("Corrected since"), WHOLE, TEXT_PT, INK, True), height=ROW)
            for change in self.receipt.changes:
                label, value = (change.label, LABEL, TEXT_PT, GREY, False), (change.value, VALUE, TEXT_PT, INK, False)
                self._line(label, value, height=ROW)
            self.pdf.ln(GAP / 2)

    def notes(self) -> None:
        self._rule()
        for note in self.receipt.notes:
            self._line((note, WHOLE, SMALL_PT, GREY, False))
        if self._boxes:
            words = _("Letters that cannot be printed here are shown as boxes; the page shows them.")
            self._line((words, WHOLE, SMALL_PT, GREY, False))

    def _describe(self) -> None:
        receipt, pdf = self.receipt, self.pdf
        pdf.set_title(f"{_('Receipt')} {receipt.number}")
        pdf.set_author(receipt.issuer)
        pdf.set_lang(get_language() or "en")
        pdf.set_creation_date(receipt.dated_at)

    def _line(self, *parts: Part, height: float = 0) -> None:
        """Texts beside each other on one base line; the pen moves below the one that took most lines."""
        base = max(_height(part[2]) for part in parts)
        if self.pdf.will_page_break(2 * max(height, base)):
            self.pdf.add_page()
        top = self.pdf.get_y()
        bottom = top
        for text, cell, size, colour, bold in parts:
            shown = printable(text)
            if not shown:
                continue
            self._boxes = self._boxes or shown.count(UNKNOWN_SIGN) > text.count(UNKNOWN_SIGN)
            self.pdf.set_font("Inter", "B" if bold else "", size)
            self.pdf.set_text_color(*colour)
            # A line's text stands in its middle: a smaller one goes down until both stand on the same line.
            self.pdf.set_xy(MARGIN + cell.begin * WIDTH, top + (base - _height(size)) * DROP)
            high, wide = height or _height(size), (cell.end - cell.begin) * WIDTH
            self.pdf.multi_cell(wide, high, shown, align=cell.align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
            bottom = max(bottom, self.pdf.get_y())
        self.pdf.set_y(bottom)

    def _rule(self, below: float = GAP / 2) -> None:
        y = self.pdf.get_y()
        self.pdf.set_draw_color(*LINE)
        self.pdf.set_line_width(0.25)
        self.pdf.line(MARGIN, y, MARGIN + WIDTH, y)
        self.pdf.set_y(y + below)


def _height(size: float) -> float:
    """The height of a line, from points to millimetres."""
    return size * 0.53

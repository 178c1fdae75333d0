import io
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from lib import assets


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("assets")
    assert assets.build(target) is True
    return target


def test_a_second_build_finds_everything_there(built: Path) -> None:
    before = (built / "fonts/inter.woff2").stat().st_mtime_ns
    assert assets.build(built) is False
    assert (built / "fonts/inter.woff2").stat().st_mtime_ns == before


def test_a_font_that_was_lost_is_built_again(built: Path) -> None:
    (built / "fonts/inter.woff2").unlink()
    assert assets.build(built) is True
    assert (built / "fonts/inter.woff2").is_file()


def test_the_font_is_small_and_has_what_pages_write(built: Path) -> None:
    content = (built / "fonts/inter.woff2").read_bytes()
    font = TTFont(io.BytesIO(content))
    assert len(content) < 60_000
    assert [(axis.axisTag, axis.minValue, axis.maxValue) for axis in font["fvar"].axes] == [("wght", 400, 700)]
    assert {ord(sign) for sign in "AzÉçœ0123−–≈…"} - set(font.getBestCmap()) == set()
    assert "tnum" in {record.FeatureTag for record in font["GSUB"].table.FeatureList.FeatureRecord}


def test_the_licences_are_served(built: Path) -> None:
    text = (built / "licences.txt").read_text()
    assert "SIL OPEN FONT LICENSE" in text
    assert "Lucide Contributors" in text


def test_the_fonts_for_pdfs_reach_further_and_have_digits_of_one_width(built: Path) -> None:
    fonts = [TTFont(path) for path in assets.print_fonts(built).values()]
    assert [(font["OS/2"].usWeightClass, "fvar" in font, "GSUB" in font) for font in fonts] == [
        (400, False, False),
        (600, False, False),
    ]
    for font in fonts:
        letters = font.getBestCmap()
        assert {ord(sign) for sign in "AzÉçœŁΩж—×→□€"} - set(letters) == set()
        assert len({font["hmtx"][letters[ord(digit)]][0] for digit in "0123456789"}) == 1

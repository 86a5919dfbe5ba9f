"""Tests of the waveform: the picture of an episode's sound, and where it stands."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from pipeline import build, model
from pipeline.model import Visibility
from pipeline.pages import default_templates, render, waveform_svg
from tests import samples

SVG = "{http://www.w3.org/2000/svg}"
HEIGHTS = tuple((index * 37) % 101 for index in range(600))


def bars(data: bytes) -> list[tuple[float, float, int]]:
    """Read the bars of a waveform: across, top, height."""
    path = ET.fromstring(data).find(f"{SVG}path")
    assert path is not None
    found = re.findall(r"M(\S+) (\S+?)v(\d+)", path.attrib["d"])
    return [(float(across), float(top), int(height)) for across, top, height in found]


def luminance(colour: str) -> float:
    """Return the relative luminance of a colour, as WCAG counts it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_heights_become_bars_around_the_middle() -> None:
    """Each height is a bar of that length, centred, and the bars are evenly apart."""
    assert bars(waveform_svg((100, 50, 20))) == [(2, 0, 100), (6, 25, 50), (10, 40, 20)]


def test_many_heights_are_put_together_and_the_highest_rules() -> None:
    """Of 600 heights, 200 bars are drawn, each the highest of its three."""
    drawn = [height for _, _, height in bars(waveform_svg(HEIGHTS))]
    assert drawn == [max(HEIGHTS[start : start + 3]) for start in range(0, 600, 3)]


@pytest.mark.parametrize("count", [1, 2, 199, 200, 201, 400, 36_000])
def test_no_height_is_lost_and_the_file_stays_small(count: int) -> None:
    """Whatever the number of heights, one peak among silence is seen, and the picture is a few kB."""
    for place in {0, count // 2, count - 1}:
        data = waveform_svg(tuple(90 if index == place else 0 for index in range(count)))
        heights = [height for _, _, height in bars(data)]
        assert len(heights) == min(count, 200)
        assert heights.count(90) == 1
        assert min(heights) >= 3 or count == 1
        assert len(data) < 4_000


def test_heights_out_of_range_stay_inside() -> None:
    """A height under 0 or over 100 is drawn inside the picture."""
    assert [height for _, _, height in bars(waveform_svg((-5, 400)))] == [3, 100]


def test_the_same_heights_give_the_same_bytes() -> None:
    """Nothing but the heights is in the picture."""
    assert waveform_svg(HEIGHTS) == waveform_svg(list(HEIGHTS))
    assert waveform_svg(HEIGHTS) != waveform_svg(HEIGHTS[:-9])


def test_it_is_seen_on_light_and_on_dark() -> None:
    """Its colour has a contrast of 3 to 1 at least against white and against black; it asks for nothing else."""
    data = waveform_svg(HEIGHTS).decode()
    colours = set(re.findall(r"#[0-9a-f]{6}", data))
    assert colours
    for colour in colours:
        assert 1.05 / (luminance(colour) + 0.05) >= 3
        assert (luminance(colour) + 0.05) / 0.05 >= 3
    assert not re.search(r"href|<script|<style|url\(|currentColor", data)


def test_it_stands_by_the_player_with_its_size() -> None:
    """The episode's page shows the picture of its own sound, decorative, with a width and height of its shape."""
    item = replace(samples.item(), waveform=HEIGHTS)
    edition = samples.edition(items=(item, samples.item("first-meeting", title="First meeting")))
    key = model.waveform_key("choose-and-book")
    files = render(edition)
    (image,) = re.findall(rb'<img class="cln-waveform"[^>]*>', files[model.episode_key("choose-and-book")])
    root = ET.fromstring(waveform_svg(HEIGHTS))
    size = f'width="{root.attrib["width"]}" height="{root.attrib["height"]}"'
    assert image.decode() == f'<img class="cln-waveform" src="/{key}" alt="" {size}>'
    assert b"cln-waveform" not in files[model.episode_key("first-meeting")]


def test_the_build_writes_it_for_public_episodes_that_have_one() -> None:
    """Beside the pages stands one picture for each episode that has heights, under its key."""
    drawn = replace(samples.item(), waveform=HEIGHTS)
    edition = samples.edition(items=(drawn, samples.item("first-meeting", title="First meeting")))
    assert drawn.episode.visibility is Visibility.PUBLIC
    made = dict(build.everything(edition, default_templates()))
    key = model.waveform_key("choose-and-book")
    assert made[key] == waveform_svg(HEIGHTS)
    assert [name for name in made if name.startswith("waveforms/")] == [key]

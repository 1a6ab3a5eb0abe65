"""Words on the colours of a heat map can be read wherever they stand on the scale."""

from __future__ import annotations

import pytest

from components import study_map, theme
from components.contrast import contrast_on, words_on


@pytest.mark.parametrize("colours", [study_map._UPWARDS, study_map._AROUND_ZERO], ids=["upwards", "around zero"])
def test_the_figures_of_a_map_can_be_read_on_every_colour(colours: list[str]) -> None:
    assert min(contrast_on(colours, share / 200) for share in range(201)) > 3.9


def test_light_words_stand_on_dark_ground_and_dark_ones_on_light() -> None:
    assert words_on(["#000000", "#ffffff"], 0) == words_on(["#000000", "#ffffff"], -1) == theme.TEXT
    assert words_on(["#000000", "#ffffff"], 1) == words_on(["#000000", "#ffffff"], 2) == theme.INK

"""Tables in a terminal that is narrower than they are."""

from __future__ import annotations

import pytest

from pipeline.cli.fitting import BETWEEN, EDGES, Fitted, fitted

TITLES = ["Link Name", "Mirror Topic Name", "Mirror Status", "Status Time (ms)", "Partition", "Partition Mirror Lag"]
ROWS = [["east", "orders.of-today", "ACTIVE", "1795346856530", str(n), "0"] for n in range(3)]


def is_within(fit: Fitted, width: int) -> bool:
    lines = [[max(map(len, cell.split("\n"))) for cell in line] for line in (fit.titles, *fit.rows)]
    columns = [max(column) for column in zip(*lines, strict=True)]
    return sum(columns) + BETWEEN * (len(columns) - 1) + EDGES <= width


def test_what_fits_stays_as_it_is() -> None:
    assert fitted(TITLES, ROWS, 10_000) == Fitted([], TITLES, ROWS, [])


def test_titles_are_broken_before_anything_else() -> None:
    fit = fitted(TITLES, ROWS, 80)
    assert is_within(fit, 80) and not fit.alike
    assert fit.rows == ROWS and "Mirror Topic\nName" in fit.titles


def test_names_that_are_alike_go_above_the_table_before_figures_do() -> None:
    fit = fitted(TITLES, ROWS, 58)
    assert is_within(fit, 58)
    assert dict(fit.alike).keys() == {"Link Name", "Mirror Topic Name", "Mirror Status"}
    assert [row[-2:] for row in fit.rows] == [["0", "0"], ["1", "0"], ["2", "0"]]
    assert dict(fitted(TITLES, ROWS, 30).alike)["Partition Mirror Lag"] == "0"


@pytest.mark.parametrize("width", range(20, 150))
def test_every_width_keeps_every_value_and_joints_only_are_broken(width: int) -> None:
    titles = ["Config Name", "Config Value", "Source"]
    name, value = "availability.check.consecutive.failure.threshold", '{"groupFilters": [{"name": "*"}]}'
    rows = [[name, "5", "DEFAULT_CONFIG"], ["acl.sync.ms", value, "DYNAMIC_CLUSTER_LINK_CONFIG"]]
    fit = fitted(titles, rows, width)
    if fit.titles:
        assert is_within(fit, width)
        assert [[cell.replace("\n", "").replace(" ", "") for cell in row] for row in fit.rows] == [
            [cell.replace(" ", "") for cell in row] for row in rows
        ]
        assert all(line[-1] in "._" or line == fit.rows[0][0].split("\n")[-1] for line in fit.rows[0][0].split("\n"))
    else:
        assert [[cell for _, cell in block] for block in fit.blocks] == rows


def test_one_row_too_wide_for_any_table_is_a_list_of_its_fields() -> None:
    fit = fitted(TITLES, ROWS[:1], 30)
    assert fit.alike == [*zip(TITLES, ROWS[0], strict=True)] and not fit.rows and not fit.blocks

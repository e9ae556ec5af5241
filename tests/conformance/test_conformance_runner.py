"""What holds a run of Thespian's suite to its expectation notices every way to stray from it."""

from __future__ import annotations

from collections.abc import Callable

import expectation
import pytest
import suite_runner
import yaml

EXPECTED = expectation.load()


def test_a_run_as_expected_gives_no_complaint() -> None:
    for base in suite_runner.BASES:
        assert EXPECTED.complaints(base, EXPECTED.outcomes(base)) == []


def test_what_passes_on_thespians_own_base_must_pass_here() -> None:
    def passes_on(base: str) -> set[str]:
        return {name for name, outcome in EXPECTED.outcomes(base).items() if outcome == expectation.PASSED}

    assert len(passes_on("simpleSystemBase")) == 264
    assert passes_on("simpleSystemBase") < passes_on("threads")
    assert passes_on("simpleSystemBase") - passes_on("loop") <= EXPECTED.blocks


@pytest.mark.parametrize(
    "stray",
    [
        pytest.param(lambda outcomes, name: outcomes.update({name: "failed"}), id="a failure"),
        pytest.param(lambda outcomes, name: outcomes.update({name: "skipped"}), id="an unexpected skip"),
        pytest.param(lambda outcomes, name: outcomes.pop(name), id="a test that was lost"),
        pytest.param(lambda outcomes, name: outcomes.update({"test_new.py::a": "passed"}), id="a new test"),
    ],
)
@pytest.mark.parametrize("base", suite_runner.BASES)
def test_each_way_to_stray_is_one_complaint(
    base: str, stray: Callable[[dict[str, str], str], object]
) -> None:
    outcomes = EXPECTED.outcomes(base)
    stray(outcomes, "test_simpleActor.py::TestFuncSimpleActorOperations::testSimpleActor")
    assert len(EXPECTED.complaints(base, outcomes)) == 1


def test_a_test_under_two_headings_is_an_error_of_the_file(tmp_path) -> None:
    group = [{"because": "of a test", "tests": {"test_a.py": ["test_b"]}}]
    path = tmp_path / "expected.yaml"
    path.write_text(yaml.safe_dump({"passes": group, "beyond": [], "skips": group, "blocks": []}))
    with pytest.raises(ValueError, match=r"test_a\.py::test_b"):
        expectation.load(path)


@pytest.mark.parametrize("base", ["loop", "threads"])
def test_a_part_of_the_suite_passes_on_the_base(base: str) -> None:
    outcomes = suite_runner.run_suite(
        base, 1, ["-k", "test_simpleActor or test_globalName or test_createActor"]
    )
    assert len(outcomes) > 10
    assert set(outcomes.values()) == {"passed"}
    assert outcomes.items() <= EXPECTED.outcomes(base).items()

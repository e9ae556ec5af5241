"""The trigger mode in effect, and who said so."""

from __future__ import annotations

import pytest

from config.loading import load
from config.mode import mode, refusal
from config.settings import Endpoints, Settings

NODE = "endpoints: {polygon_urls: [wss://polygon.example]}\n"


@pytest.fixture
def loaded(tmp_path):
    """Load a file's text with an environment and command-line assignments."""

    def make(text="", environ=None, assignments=()):
        file = tmp_path / "remora.yaml"
        file.write_text(text)
        return load(file, environ or {}, assignments)

    return make


def effect(loaded, chosen=None):
    now = mode(loaded.settings, loaded.origins, chosen)
    return now.trigger, now.origin, now.place.rpartition("/")[2]


def test_each_origin_is_named_and_the_operator_comes_before_all_of_them(loaded):
    text = NODE + "ingest: {trigger: polygon}\n"
    variable = {"REMORA_INGEST__TRIGGER": "api"}
    assert effect(loaded()) == ("both", "default", "")
    assert effect(loaded(text)) == ("polygon", "file", "remora.yaml:2")
    assert effect(loaded(text, variable)) == ("api", "environment", "REMORA_INGEST__TRIGGER")
    typed = loaded(text, variable, ["ingest.trigger=both"])
    assert effect(typed) == ("both", "command line", "--set ingest.trigger")
    assert effect(typed, "polygon") == ("polygon", "operator", "")


def test_a_variable_that_overrides_the_files_mode_is_worth_a_warning(loaded):
    (warning,) = loaded("ingest: {trigger: both}\n", {"REMORA_INGEST__TRIGGER": "api"}).warnings
    assert "ingest.trigger is 'api' by REMORA_INGEST__TRIGGER" in warning
    assert "'both'" in warning
    assert "remora.yaml:1" in warning


def test_polygon_without_a_node_is_refused_and_the_configured_mode_stays():
    settings = Settings()
    assert "endpoints.polygon_urls is empty" in refusal(settings, "polygon")
    now = mode(settings, {}, "polygon")
    assert (now.trigger, now.origin) == ("both", "default")
    assert now.refused == refusal(settings, "polygon")


@pytest.mark.parametrize("trigger", ["api", "both", "polygon"])
def test_with_a_node_no_mode_is_refused(trigger):
    settings = Settings(endpoints=Endpoints(polygon_urls=("wss://polygon.example",)))
    assert refusal(settings, trigger) == ""
    assert mode(settings, {}, trigger).trigger == trigger

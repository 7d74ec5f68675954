"""Settings of traces: what is unusable stops the start, with a sentence that shows no secret."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from foundation import env
from foundation.tracer import TraceSettings

NAME = "OTEL_OF_A_TEST"
SECRET = "made-up-secret"


@pytest.fixture
def given(monkeypatch):
    """`given(value)` sets the variable."""
    return lambda value: monkeypatch.setenv(NAME, value)


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        ("", {}),
        ("x-key=a", {"x-key": "a"}),
        ("X-Key=a, other = b ", {"x-key": "a", "other": "b"}),
        ("authorization=Basic%20YTpi,empty=", {"authorization": "Basic YTpi", "empty": ""}),
        ("x-key=a=b", {"x-key": "a=b"}),
    ],
)
def test_headers_are_read_as_opentelemetry_writes_them(given, value, headers):
    given(value)
    assert env.headers(NAME) == headers


@pytest.mark.parametrize("value", [SECRET, f"={SECRET}", f"a key={SECRET}", f"key={SECRET}%0A", f"a=1,{SECRET}"])
def test_malformed_headers_stop_the_start(given, value):
    given(value)
    with pytest.raises(ImproperlyConfigured, match="name=value") as refused:
        env.headers(NAME)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("value", ["collector:4318", "ftp://collector", "http://", f"http://u:{SECRET}@host:0"])
def test_unusable_address_stops_the_start(given, value):
    given(value)
    with pytest.raises(ImproperlyConfigured, match="http://collector") as refused:
        env.collector(NAME)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize(("value", "share"), [("0", 0.0), ("1", 1.0), ("0.01", 0.01), (".5", 0.5), ("1.0", 1.0)])
def test_ratio_is_a_share(given, value, share):
    given(value)
    assert env.ratio(NAME) == share


@pytest.mark.parametrize("value", ["-1", "1.5", "2", "1e-2", "nan", "half", "0,1"])
def test_other_ratios_stop_the_start(given, value):
    given(value)
    with pytest.raises(ImproperlyConfigured, match="from 0 to 1"):
        env.ratio(NAME)


def test_settings_show_no_secret():
    shown = repr(TraceSettings(f"http://u:{SECRET}@host", {"x-key": SECRET}, "always_on", 1.0, is_disabled=False))
    assert SECRET not in shown

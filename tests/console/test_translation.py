"""The words of pages and rules can be translated: Django finds them, and a catalogue is used."""

import os
import re
import shutil
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.utils import translation

from automation.models import AutomationScript
from definitions.models import ApiDefinition
from keys.changes import check_key
from tokens.models import ApiToken

APPS = ("access", "automation", "console", "definitions", "keys", "tokens")
RULES = {
    "A name of 1 to %(most)d characters is needed.": "Ein Name von 1 bis %(most)d Zeichen ist nötig.",
    "A rate limit needs a limit of 1 to {} requests and a window of 1 to {} seconds, or neither.": "Grenze: {}, {}.",
    "A key lives 1 to %(most)d days.": "Ein Schlüssel lebt 1 bis %(most)d Tage.",
    "Parameters are a list of names, none empty or given twice.": "Parameter sind Namen.",
    "The route is empty.": "Die Route ist leer.",
    "The script does not exist.": "Das Skript gibt es nicht.",
    "Search by route, name, description or script": "Suche",
    "Requests in a window, 1 to {}; empty for no limit.": "Anfragen, 1 bis {}.",
}


def said(check) -> str:
    """Everything that a refused check says."""
    with pytest.raises(ValidationError) as refused:
        check()
    return " ".join(refused.value.messages)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory) -> Path:
    """The places of a catalogue, made by Django's own commands over the product's texts."""
    if not shutil.which("xgettext") and os.environ.get("CI") != "true":
        pytest.skip("needs xgettext and msgfmt (Debian, Ubuntu: apt install gettext)")
    place: Path = tmp_path_factory.mktemp("texts")
    for app in APPS:
        shutil.copytree(settings.BASE_DIR / app, place / app, ignore=shutil.ignore_patterns("node_modules", "static"))
    (place / "locale").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        call_command("makemessages", locale=["de"], verbosity=0)
        translate(place / "locale" / "de" / "LC_MESSAGES" / "django.po")
        call_command("compilemessages", locale=["de"], verbosity=0)
    return place / "locale"


def translate(file: Path) -> None:
    """Fill in what `RULES` has; it must be there."""
    text = file.read_text("utf-8")
    found = dict.fromkeys(re.findall(r'^msgid ((?:".*"\n)+)msgstr ""$', text, re.M))
    by_words = {"".join(re.findall(r'"(.*)"', each)): each for each in found}
    for words, translated in RULES.items():
        place = f'msgid {by_words[words]}msgstr ""'
        text = text.replace(place, place[:-2] + f'"{translated}"')
    file.write_text(text, "utf-8")


def test_rules_speak_the_language_of_the_reader(catalogue, settings, db):
    settings.LOCALE_PATHS = [catalogue]
    with translation.override("de"):
        token = said(ApiToken(name=" ", rate_limit=0).clean)
        assert "Ein Name von 1 bis 200 Zeichen ist nötig." in token
        assert "Grenze: 100, 86400." in token
        assert "Parameter sind Namen." in said(AutomationScript(name="a", source="", parameters=[""]).clean)
        definition = said(ApiDefinition(route="").clean)
        assert "Die Route ist leer." in definition
        assert "Das Skript gibt es nicht." in definition
        assert said(lambda: check_key("ci", 0)) == "Ein Schlüssel lebt 1 bis 3650 Tage."
        assert str(ApiToken._meta.get_field("rate_limit").help_text) == "Anfragen, 1 bis 100."
    assert "A name of 1 to 200 characters is needed." in said(ApiToken(name=" ").clean)

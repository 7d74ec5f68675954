"""The short form of `make chaos ONLY=neighbours`: other releases before the same Redis."""

from chaos import neighbours
from tests.chaos.conftest import LIMIT_SECONDS


def test_neighbouring_releases_work_together_and_others_are_refused(broken_stack, publish, survived, tmp_path):
    survived(neighbours.neighbours(broken_stack, publish, tmp_path, seconds=1, limit=LIMIT_SECONDS))

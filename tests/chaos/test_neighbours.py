"""The short form of `make chaos ONLY=neighbours`: other releases on the same Redis."""

from chaos import neighbours


def test_neighbouring_releases_work_together_and_others_are_refused(trial, survived, tmp_path):
    survived(neighbours.neighbours(trial, directory=tmp_path, seconds=1))

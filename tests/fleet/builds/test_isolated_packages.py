"""The short form of `make chaos`: two versions of one package run beside each other."""

from chaos import package_isolation
from chaos.rows import table
from chaos.trial import Trial

LIMIT_SECONDS = 20.0


def test_neither_of_two_scripts_sees_the_packages_of_the_other(fleet):
    rows = package_isolation.isolation(Trial(fleet.stack, fleet.publish, LIMIT_SECONDS), fleet.wheels, runs=400)
    assert all(row.is_good for row in rows), "\n" + table(rows)

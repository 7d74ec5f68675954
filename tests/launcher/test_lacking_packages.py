"""What a start says while the worker takes no triggers because it lacks packages of scripts."""

from automation.builds import BuildState, NodeEnvironment, PackageLock
from launcher.announce import lacking_packages


def test_a_start_says_that_packages_are_installed_or_why_they_are_not(db):
    assert lacking_packages() == ""
    for number in range(3):
        lock = PackageLock.objects.create(digest=f"{number}", text="")
        NodeEnvironment.objects.create(node_id=1, lock=lock, state=BuildState.READY)
    assert lacking_packages() == ""
    NodeEnvironment.objects.filter(lock__digest="0").update(state=BuildState.BUILDING)
    assert lacking_packages() == ": it installs the packages of scripts"
    NodeEnvironment.objects.filter(lock__digest="1").update(state=BuildState.FAILED, message="The disk is full.")
    assert lacking_packages() == ": it installs the packages of scripts; the last failure: The disk is full."

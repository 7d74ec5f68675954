"""A machine that joins takes no trigger before it has what callers rely on; two nodes of one machine build once."""

from automation.builds import BuildState, NodeEnvironment
from testbed.package_index import PackageIndex
from testbed.stack import wait_until
from tests.fleet.builds.conftest import source_of


def test_machine_builds_before_it_takes_triggers(fleet, tmp_path):
    for name in ("known", "newer"):
        fleet.wheels.add(name)
    api = fleet.ready("known")
    script = api.definition.script
    with PackageIndex(fleet.wheels.directory) as index:
        with index.holding("/known-1.0-py3-none-any.whl") as reached:
            joining = fleet.begin(tmp_path / "data", UDAPI_PACKAGE_INDEX_URL=index.url)
            assert reached.wait(60)
            # What is saved meanwhile is not current before this machine has it, too.
            fleet.save(script, source_of("newer"))
            wait_until(lambda: fleet.first.has(fleet.build(script)), what="one of two environments")
            assert {fleet.answer(api) for _ in range(20)} == {(200, "1.0")}
            assert (fleet.taking(), joining.ran(), fleet.current(script)) == ({fleet.first.id}, 0, 1)
        assert fleet.ended(script).state == BuildState.READY
        assert joining.has(fleet.build(script))
        fleet.wait_for(fleet.first, joining)
        wait_until(lambda: fleet.answer(api) == (200, "1.0") and joining.ran(), what="a run on that machine")
        joining.end()


def test_two_nodes_with_one_directory_build_once(fleet):
    fleet.wheels.add("shared")
    with fleet.stack.another_worker():
        api = fleet.publish(source_of("shared"))
        build = fleet.ended(api.definition.script)
        assert build.state == BuildState.READY
        states = NodeEnvironment.objects.filter(lock=build.lock).values_list("state", flat=True)
        assert list(states) == [BuildState.READY] * 2
        assert fleet.index.asked.count("/files/shared-1.0-py3-none-any.whl") == 1
        assert [each.digest for each in fleet.first.store.listed()].count(build.lock.digest) == 1
        assert {fleet.answer(api) for _ in range(10)} == {(200, "1.0")}

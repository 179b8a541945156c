"""The snapshot of activity and topics: whole, whoever writes it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from myna.people import snapshot
from myna.people.activity import Activity
from myna.people.topics import NONE


def test_those_who_write_at_once_leave_one_whole_file(tmp_path: Path) -> None:
    activity = Activity()
    for number in range(2000):
        activity.post_row(f"home:{number}")

    def write(seq: int) -> None:
        snapshot.save(tmp_path, activity, {"posts": seq}, NONE)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(40)))
    loaded = snapshot.load(tmp_path, NONE)
    assert loaded is not None and len(loaded[0].post_ids) == 2000
    assert not list(tmp_path.glob("*.partial"))

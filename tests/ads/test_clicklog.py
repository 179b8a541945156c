"""The click log loses nothing it acknowledged, and one bad line does not take another with it."""

import os
import threading

from hypothesis import given
from hypothesis import strategies as st

from myna.ads.clicklog import ClickLog, Line, read_from

AT = 1_764_000_000_000


def lines_of(directory):
    return [line for path in sorted((directory / "clicks").glob("*.jsonl")) for line, _ in read_from(path, 0)]


def test_one_file_a_day_in_the_order_written(tmp_path):
    log = ClickLog(tmp_path)
    for number, at in enumerate((AT, AT + 1, AT + 86_400_000)):
        assert log.append(Line(at, "click", "c", f"d{number}", at))
    log.close()
    assert [line.decision for line in lines_of(tmp_path)] == ["d0", "d1", "d2"]
    assert len(list((tmp_path / "clicks").glob("*.jsonl"))) == 2


def test_lines_of_many_threads_stay_whole(tmp_path):
    log = ClickLog(tmp_path)

    def write(who):
        for number in range(200):
            log.append(Line(AT, "click", "c", f"d{who}-{number}", AT))

    threads = [threading.Thread(target=write, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.close()
    assert len({line.decision for line in lines_of(tmp_path)}) == 800


def test_line_is_with_the_system_when_append_returns(tmp_path):
    log = ClickLog(tmp_path)
    log.append(Line(AT, "click", "c", "d", AT))
    assert [line.decision for line in lines_of(tmp_path)] == ["d"]
    log.close()


def test_full_disk_is_counted_and_does_not_damage_later_lines(tmp_path, monkeypatch):
    log = ClickLog(tmp_path)
    log.append(Line(AT, "click", "c", "before", AT))
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:9]))  # what a disk does that fills up
    assert not log.append(Line(AT, "click", "c", "torn", AT))
    monkeypatch.setattr(os, "write", real)
    assert log.lost == 1 and log.trouble
    assert log.append(Line(AT, "click", "c", "after", AT))
    log.close()
    found = lines_of(tmp_path)
    assert [line.decision if line else None for line in found] == ["before", None, "after"]


def test_a_line_cut_off_by_a_power_cut_does_not_swallow_the_next(tmp_path):
    log = ClickLog(tmp_path)
    log.append(Line(AT, "click", "c", "one", AT))
    log.close()
    (path,) = (tmp_path / "clicks").glob("*.jsonl")
    path.write_bytes(path.read_bytes() + b'{"at": 17')
    log = ClickLog(tmp_path)
    log.append(Line(AT, "click", "c", "two", AT))
    log.close()
    assert [line.decision if line else None for line in lines_of(tmp_path)] == ["one", None, "two"]


def test_a_line_still_being_written_is_left_for_later(tmp_path):
    path = tmp_path / "x.jsonl"
    whole = b'{"at":1,"kind":"click","c":"c","d":"d","i":1}\n'
    path.write_bytes(whole + whole[:-5])
    ((line, end),) = read_from(path, 0)
    assert line is not None and end == len(whole)
    path.write_bytes(whole + whole)
    assert [end for _, end in read_from(path, end)] == [2 * len(whole)]


@given(st.lists(st.binary(max_size=60), max_size=20))
def test_any_bytes_are_read_without_failing(tmp_path_factory, chunks):
    path = tmp_path_factory.mktemp("log") / "x.jsonl"
    data = b"\n".join(chunks) + b"\n"
    path.write_bytes(data)
    ends = [end for _, end in read_from(path, 0)]
    assert ends == sorted(ends) and all(end <= len(data) for end in ends)

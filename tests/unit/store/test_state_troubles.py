"""A state that cannot be used says so in one line: what, where, and what to do about it."""

import os
import sqlite3
import subprocess
from contextlib import closing, contextmanager

import pytest

from hybridd.clock import ManualClock
from hybridd.errors import StoreBusy, StoreError, StoreFull, StoreUnusable
from hybridd.store.store import open_store
from tests.makers import T0, analysis

AS_ROOT = os.geteuid() == 0


def opened(path, **more):
    return open_store(f"sqlite:///{path}", clock=ManualClock(T0), **more)


def one_clear_line(error: pytest.ExceptionInfo[StoreError], path) -> bool:
    text = str(error.value)
    return "\n" not in text and str(path) in text and bool(error.value.remedy)


@contextmanager
def small_disk(folder, size="1m"):
    if not AS_ROOT:
        pytest.skip("needs root, to mount a small disk")
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], timeout=20, capture_output=True
    )  # fmt: skip
    if mounted.returncode:
        pytest.skip(f"this machine mounts no small disk: {mounted.stderr.decode().strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=20)


def test_a_file_that_is_no_database(tmp_path):
    path = tmp_path / "state.db"
    path.write_text("these are my notes, and they are longer than the head of a database file\n" * 50)
    with pytest.raises(StoreUnusable, match="is not a database") as error:
        opened(path)
    assert one_clear_line(error, path)
    assert path.read_text().startswith("these are my notes")


def test_a_folder_in_place_of_the_file(tmp_path):
    with pytest.raises(StoreUnusable, match="cannot be written") as error:
        opened(tmp_path)
    assert one_clear_line(error, tmp_path)


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreUnusable, match=r"is not a folder|cannot be written"):
        opened(tmp_path / "file" / "state.db")


def damaged(path):
    store = opened(path)
    store.analyses.add_many([analysis(50.0, at=T0 + i) for i in range(4000)])
    store.close()
    content = bytearray(path.read_bytes())
    assert len(content) > 700_000
    content[500_000:] = os.urandom(len(content) - 500_000)
    path.write_bytes(bytes(content))


def test_damage_is_found_by_verify_line_by_line(tmp_path):
    path = tmp_path / "state.db"
    damaged(path)
    store = opened(path)
    found = store.verify()
    store.close()
    assert found
    assert all("\n" not in line for line in found)
    assert any("damaged" in line for line in found)


def test_damage_that_a_query_meets_is_one_line(tmp_path):
    path = tmp_path / "state.db"
    damaged(path)
    store = opened(path)
    with pytest.raises(StoreUnusable, match="is damaged") as error:
        store.analyses.between("BTC/USDT", "5m", 0, T0 * 2)
    store.close()
    assert one_clear_line(error, path)
    assert "restore" in error.value.remedy


def test_a_table_that_is_gone_is_said_so(tmp_path):
    store = opened(tmp_path / "state.db")
    store._database.engine.cursor().execute("DROP TABLE events")
    with pytest.raises(StoreUnusable, match="incomplete"):
        store.events.after(0)
    assert "the table events is missing" in store.verify()
    store.close()


def test_locked_by_another_is_busy_and_passes(tmp_path):
    path = tmp_path / "state.db"
    store = opened(path, busy_seconds=0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="is locked by another process") as error:
            store.bot_state.set("k", 1)
        assert store.bot_state.get("k") is None
        other.execute("COMMIT")
    store.bot_state.set("k", 2)
    assert store.bot_state.get("k") == 2
    store.close()
    assert one_clear_line(error, path)


@pytest.mark.skipif(AS_ROOT, reason="root may write everywhere: the next test covers it")
def test_a_file_that_may_not_be_written(tmp_path):
    path = tmp_path / "state.db"
    opened(path).close()
    path.chmod(0o400)
    with pytest.raises(StoreUnusable, match="Permission denied") as error:
        opened(path)
    assert one_clear_line(error, path)


@pytest.mark.root
def test_a_disk_that_may_not_be_written(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "state.db"
        opened(path).close()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True, timeout=20)
        with pytest.raises(StoreUnusable, match="Read-only file system") as error:
            opened(path)
        assert one_clear_line(error, path)


@pytest.mark.root
def test_a_full_disk_loses_nothing_and_heals(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "state.db"
        store = opened(path)
        store.analyses.add_many([analysis(60.0)])
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * (store.free_bytes() - 16_384))
        with pytest.raises(StoreFull, match="the disk is full") as error:
            store.analyses.add_many([analysis(61.0, at=T0 + i) for i in range(1, 2000)])
        assert one_clear_line(error, path)
        assert store.analyses.count() == 1
        with pytest.raises(StoreFull, match=r"full|No space left"):
            store.backup(disk / "copy.db")
        assert sorted(file.name for file in disk.iterdir()) == ["ballast", "state.db", "state.db-shm", "state.db-wal"]
        ballast.unlink()
        assert store.analyses.add_many([analysis(61.0, at=T0 + 1)])
        assert store.verify() == []
        store.close()


@pytest.mark.root
def test_a_disk_that_is_full_from_the_start(tmp_path):
    with small_disk(tmp_path / "disk") as disk:
        (disk / "ballast").write_bytes(b"x" * 1_048_576)
        with pytest.raises(StoreFull) as error:
            opened(disk / "state.db")
        assert one_clear_line(error, disk / "state.db")

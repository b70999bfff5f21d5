"""The copy of the settings for the web: beside a shared state, for its group to read; nowhere else."""

import pytest

from hybridd.pipeline.web_settings import tell_the_web


@pytest.fixture
def settings(tmp_path):
    file = tmp_path / "hybridd.toml"
    file.write_text('[monitor]\ntimeframe = "1h"\n')
    return file


def test_it_is_written_anew_each_time_and_its_group_may_read_it(tmp_path, settings):
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o2750)
    for frame in ("1h", "4h"):
        settings.write_text(f'[monitor]\ntimeframe = "{frame}"\n')
        tell_the_web(settings, {}, f"sqlite:///{shared}/state.db")
        assert f'timeframe = "{frame}"' in (shared / "web.toml").read_text()
    assert (shared / "web.toml").stat().st_mode & 0o777 == 0o640
    assert [file.name for file in shared.iterdir()] == ["web.toml"]


def test_where_nobody_shares_the_state_there_is_none(tmp_path, settings):
    tell_the_web(settings, {}, f"sqlite:///{tmp_path}/state.db")
    tell_the_web(settings, {}, "sqlite://:memory:")
    assert not (tmp_path / "web.toml").exists()


def test_where_it_cannot_be_written_that_is_said_and_the_one_from_before_stays(tmp_path, settings, caplog):
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "web.toml").mkdir()
    shared.chmod(0o2750)
    tell_the_web(settings, {}, f"sqlite:///{shared}/state.db")
    assert "the web is not told of the settings" in caplog.text

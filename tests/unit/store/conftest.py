"""What the tests of the state share."""

import os
import subprocess

import pytest


@pytest.fixture
def small_disk(tmp_path):
    """Mounts a small disk; skips with a line where that cannot be done."""
    mounted = []

    def mount(size):
        if os.geteuid() != 0:
            pytest.skip("needs root, to mount a small disk")
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], timeout=20, capture_output=True
        )
        if done.returncode:
            pytest.skip(f"this machine mounts no small disk: {done.stderr.decode().strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=20)

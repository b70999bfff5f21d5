"""Secrets for the service: encrypted by systemd-creds where the machine has it, and handed in by drop-ins."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hybridd.errors import HybriddError, UsageError

UNITS = ("hybridd.service", "hybridd-check.service", "hybridd-failure@.service")
"""Those that talk to somebody: the backup and the report get no secret."""
WEB_UNIT, WEB_SECRETS = "hybridd-dashboard.service", "dashboard_"
"""The web gets what begins so, which nobody else gets, and nothing else."""
DROP_IN = "credentials.conf"
LARGEST = 65_536
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_TIMEOUT_S = 30.0
_PREFIX = "hybridd."


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A secret that is kept at `path`. `why_plain` says why it is not encrypted, "" where it is or nobody knows."""

    name: str
    path: Path
    encrypted: bool
    why_plain: str = ""


class _NotEncrypted(Exception):
    """systemd-creds is not there or did not do it; the text says why."""


def store(name: str, secret: bytes, root: Path = Path("/")) -> Stored:
    """Keep a secret for the units of UNITS or for the web, below `root`, and write their drop-ins.

    Raises UsageError for a name or secret that cannot be, HybriddError where nothing can be written.
    """
    check_name(name)
    if not secret or len(secret) > LARGEST:
        raise UsageError(
            "the secret is empty" if not secret else f"the secret is longer than {LARGEST} bytes",
            remedy="type it when asked, or pipe it in",
        )
    try:
        stored, content = _sealed(name, secret, root)
        _write(stored.path, content, 0o600, folder_mode=0o700)
        _write_drop_ins(root, {**{s.name: s for s in listed(root)}, name: stored})
        # Only now, when no unit names it any more: a unit whose credential is missing does not start.
        _path(name, root, encrypted=not stored.encrypted).unlink(missing_ok=True)
    except OSError as error:
        raise _refused(error) from None
    return stored


def remove(name: str, root: Path = Path("/")) -> None:
    """Forget a secret. Raises UsageError where there is none of that name, HybriddError where it cannot be removed."""
    check_name(name)
    known = {stored.name: stored for stored in listed(root)}
    if name not in known:
        raise UsageError(f"no secret {name} is stored", remedy="`hybridd secrets list` shows those that are")
    try:
        _write_drop_ins(root, {other: stored for other, stored in known.items() if other != name})
        for encrypted in (True, False):
            _path(name, root, encrypted=encrypted).unlink(missing_ok=True)
    except OSError as error:
        raise _refused(error) from None


def listed(root: Path = Path("/")) -> list[Stored]:
    """The secrets that are kept, by name; one that is kept both ways counts as encrypted. Raises HybriddError."""
    found: dict[str, Stored] = {}
    for encrypted in (False, True):
        folder = _path("", root, encrypted=encrypted).parent
        try:
            names = [path.name.removeprefix(_PREFIX) for path in folder.iterdir() if path.name.startswith(_PREFIX)]
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _refused(error) from None
        for name in filter(_NAME.fullmatch, names):
            found[name] = Stored(name=name, path=_path(name, root, encrypted=encrypted), encrypted=encrypted)
    return [found[name] for name in sorted(found)]


def check_name(name: str) -> None:
    """Raises UsageError for what cannot be the name of a credential."""
    if not _NAME.fullmatch(name):
        raise UsageError(
            f'"{name}" cannot be the name of a secret', remedy="small letters, digits and _: smtp_password"
        )


def is_of_web(name: str) -> bool:
    """Whether a secret is the web's."""
    return name.startswith(WEB_SECRETS)


def drop_in(secrets: list[Stored], root: Path) -> str:
    """The text that hands the secrets to a unit; paths as the machine below `root` will see them."""
    lines = [
        f"LoadCredential{'Encrypted' if s.encrypted else ''}={s.name}:/{s.path.relative_to(root)}" for s in secrets
    ]
    return "\n".join(["# Written by `hybridd secrets`; it is written anew at each change.", "[Service]", *lines, ""])


def _sealed(name: str, secret: bytes, root: Path) -> tuple[Stored, bytes]:
    try:
        content = _encrypt(name, secret)
    except _NotEncrypted as reason:
        path = _path(name, root, encrypted=False)
        return Stored(name=name, path=path, encrypted=False, why_plain=str(reason)), secret
    return Stored(name=name, path=_path(name, root, encrypted=True), encrypted=True), content


def _encrypt(name: str, secret: bytes) -> bytes:
    """What systemd-creds makes of a secret, after a look whether it gets the secret back."""
    sealed = _creds("encrypt", name, secret)
    if _creds("decrypt", name, sealed) != secret:
        raise _NotEncrypted("systemd-creds does not give back what it encrypted")
    return sealed


def _creds(what: str, name: str, content: bytes) -> bytes:
    command = ["systemd-creds", what, f"--name={name}", "--newline=no", "-", "-"]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=_TIMEOUT_S)
    except FileNotFoundError:
        raise _NotEncrypted("there is no systemd-creds on this machine") from None
    except subprocess.TimeoutExpired:
        raise _NotEncrypted(f"systemd-creds did not answer within {_TIMEOUT_S:g} s") from None
    except OSError as error:
        raise _NotEncrypted(f"systemd-creds cannot be run: {error.strerror}") from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit code {done.returncode}"]
        raise _NotEncrypted(f"systemd-creds {what}: {words[-1]}")
    return done.stdout


def _path(name: str, root: Path, *, encrypted: bool) -> Path:
    return root / ("etc/credstore.encrypted" if encrypted else "etc/credstore") / f"{_PREFIX}{name}"


def _write_drop_ins(root: Path, secrets: dict[str, Stored]) -> None:
    for unit in (*UNITS, WEB_UNIT):
        path = root / "etc/systemd/system" / f"{unit}.d" / DROP_IN
        mine = [secrets[name] for name in sorted(secrets) if is_of_web(name) == (unit == WEB_UNIT)]
        if mine:
            _write(path, drop_in(mine, root).encode(), 0o644, folder_mode=0o755)
        else:
            path.unlink(missing_ok=True)


def _write(path: Path, content: bytes, mode: int, *, folder_mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=folder_mode)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, mode)
            file.write(content)
            file.flush()
            os.fsync(handle)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _refused(error: OSError) -> HybriddError:
    remedy = "run it as root: sudo hybridd secrets …" if os.geteuid() else "look at that place"
    return HybriddError(f"{error.filename}: {error.strerror}", remedy=remedy)

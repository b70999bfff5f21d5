"""Hands the settings to a web that is a user of its own and may not read them: a copy without secrets, by the state."""

import logging
from collections.abc import Mapping
from pathlib import Path

from hybridd.config.salvage import legible
from hybridd.config.secrets import Vault
from hybridd.config.web_copy import web_copy
from hybridd.store.database import path_of
from hybridd.store.files import is_shared, share, write_whole

log = logging.getLogger("hybridd.web")

NAME = "web.toml"


def tell_the_web(config: Path | None, environ: Mapping[str, str], url: str) -> None:
    """Write the copy beside the state of `url`, where that folder is shared with the web; elsewhere nothing happens.

    Its lack is no reason to stop: the web then goes on with the copy from before.
    """
    state = path_of(url)
    if state is None or not is_shared(state.parent):
        return
    folder = environ.get("CREDENTIALS_DIRECTORY")
    written, _ = legible(config, environ)
    path = state.with_name(NAME)
    try:
        write_whole(path, web_copy(written, Vault(environ=environ, credentials=Path(folder) if folder else None)))
    except OSError as error:
        log.warning("the web is not told of the settings: %s cannot be written (%s)", path, error.strerror)
    share(path, 0o640)

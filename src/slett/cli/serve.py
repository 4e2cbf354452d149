"""`slett serve`: the portal, in one process with what carries requests out."""

import logging
import socket
from contextlib import suppress
from typing import Any

import click

from slett.cli.errors import Failure, sentences


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="The port; 0: a free one.")
@click.option("--portal-only", is_flag=True, help="Leave the work to others: `slett worker` on a PostgreSQL ledger.")
@click.pass_obj
def serve(settings: Any, host: str, port: int, portal_only: bool) -> None:
    """Serve the portal, and carry out what people file there."""
    import uvicorn

    from slett.web import create_app

    if settings.mail.url and not settings.portal.url:
        raise Failure("`mail.url` is set and `portal.url` is not: links in mails would lead nowhere; set `portal.url`")
    prepare_log()
    with sentences(), _listen(host, port) as listening:
        app = create_app(settings, run=not portal_only)
        app.state.portal.open()
        place = listening.getsockname()
        address = f"[{place[0]}]" if ":" in place[0] else place[0]
        public = settings.portal.url
        click.echo(f"Listening on http://{address}:{place[1]}{f' for {public}' if public else ''}. Ctrl+C stops it.")
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,  # addresses of pages hold secrets
            server_header=False,
            proxy_headers=False,  # `portal.proxies` says which are believed
            timeout_graceful_shutdown=30,
        )
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        why = error.strerror or "it cannot be used"
        raise Failure(f"cannot listen on {host}, port {port} ({why}); choose others with --host and --port") from None


def prepare_log() -> None:
    """What Slett says goes to standard error, and nobody's data with it."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s", level=logging.WARNING)
    logging.getLogger("slett").setLevel(logging.INFO)
    logging.getLogger("uvicorn.error").addFilter(_without_values)


def _without_values(record: logging.LogRecord) -> bool:
    """A traceback may quote what a person typed. Where a fault happened is logged by the portal itself."""
    record.exc_info = None
    return True

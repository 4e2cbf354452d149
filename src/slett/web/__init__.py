"""Web: the pages on which a person leaves, from any phone, and the doors by which a service sends them here.

    app = create_app(read_settings())                            # a server of its own: `slett serve`
    host.mount("/leave", create_app(settings, identify=who))     # inside any ASGI application

It promises: no page needs JavaScript, and none loads anything from elsewhere; what is written into a page from the
service's data is never markup; GET changes no request and no store; a form that another site posts is refused; somebody
else's request looks exactly like none. It holds no rule about requests: those are in `slett.requests`.
"""

from slett.web.app import create_app
from slett.web.visitor import begin_session

__all__ = ["begin_session", "create_app"]

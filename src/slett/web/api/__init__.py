"""API: the portal for services that have pages of their own, as JSON below `/api/v1`.

    app.mount("/api", create_api(portal))

The service vouches for the person: it says who they are and when they signed in, and shows them what is asked of them
here. The rules stay the same as on the portal's pages, because both ask the same desk. What one call returns as
`visit` is needed for the next: it is bound to the person and the request, and lives for half an hour.

It promises: nobody without a token learns anything; an answer holds nothing about the person that the caller has not
sent; an error is a Problem Details object (RFC 9457); `openapi.json` describes every one of them.
"""

from slett.web.api.application import create_api

__all__ = ["create_api"]

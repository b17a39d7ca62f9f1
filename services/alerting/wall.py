"""The page at the HTTP port, and what it lives on: server-sent events, a list, pictures."""

import asyncio
from pathlib import Path

from aiohttp import web

from services.alerting.darkroom import Darkroom
from services.alerting.entry import Entry
from services.alerting.feed import Feed, FeedFullError

_FILES = Path(__file__).parent / "web"
_HEARTBEAT_S = 10.0
_PICTURE_S_MAX = 5.0
_SHOWN = 60
_LIST_LIMIT = 100
_HEADERS = {
    # Everything comes from here: whatever text an alert carries, no script of it runs.
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


class Wall:
    """`darkroom` is None where pictures are off."""

    def __init__(self, feed: Feed, darkroom: Darkroom | None) -> None:
        self._feed, self._darkroom = feed, darkroom

    def add_to(self, app: web.Application) -> None:
        app.add_routes(
            [
                web.get("/", self._page),
                web.get("/web/{name:(wall\\.js|wall\\.css|icon\\.svg)}", self._file),
                web.get("/events", self._events, allow_head=False),
                web.get("/api/alerts", self._list),
                web.get("/alerts/{id}/image", self._image),
            ]
        )

    async def _page(self, _: web.Request) -> web.FileResponse:
        return web.FileResponse(_FILES / "index.html", headers=_HEADERS)

    async def _file(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(_FILES / request.match_info["name"], headers=_HEADERS | {"Cache-Control": "no-cache"})

    async def _list(self, request: web.Request) -> web.Response:
        """Newest first: `?limit=` and, as often as wanted, `?rule=`."""
        try:
            limit = int(request.query.get("limit", _LIST_LIMIT))
        except ValueError:
            raise web.HTTPBadRequest(text="limit is not a number\n") from None
        found = self._feed.newest(max(0, limit), frozenset(request.query.getall("rule", ())))
        body = b'{"alerts":[' + b",".join(entry.json for entry in found) + b"]}\n"
        return web.Response(body=body, content_type="application/json", headers=_HEADERS)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        """The newest alerts, or those after Last-Event-ID, then each as it is decided."""
        try:
            subscription = self._feed.subscribe()
        except FeedFullError as error:
            raise web.HTTPServiceUnavailable(text=f"{error}\n", headers={"Retry-After": "10"}) from None
        try:
            past = self._feed.after(request.headers.get("Last-Event-ID", ""))
            if past is None:
                past = self._feed.newest(_SHOWN)[::-1]
            response = web.StreamResponse(headers=_HEADERS | {"Cache-Control": "no-store"})
            response.content_type = "text/event-stream"
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n" + b"".join(map(_event, past)))
            while not subscription.ended.done():
                entries = await subscription.next(_HEARTBEAT_S)
                await response.write(b"".join(map(_event, entries)) or b"event: heartbeat\ndata:\n\n")
        except ConnectionResetError:
            pass
        finally:
            self._feed.unsubscribe(subscription)
        return response

    async def _image(self, request: web.Request) -> web.Response:
        entry = self._feed.get(request.match_info["id"])
        if entry is None:
            raise web.HTTPNotFound(text="no such alert, or not among the newest\n")
        if self._darkroom is None:
            raise web.HTTPNotFound(text="pictures are off\n")
        try:
            picture = await self._darkroom.picture(entry, _PICTURE_S_MAX)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            picture = None
        if picture is None:
            raise web.HTTPServiceUnavailable(text="not ready yet\n", headers={"Retry-After": "2"})
        if picture.jpeg is None:
            raise web.HTTPGone(text=f"{picture.gone}\n")
        headers = _HEADERS | {"Cache-Control": "private, max-age=86400, immutable"}
        return web.Response(body=picture.jpeg, content_type="image/jpeg", headers=headers)


def _event(entry: Entry) -> bytes:
    return b"id: %b\nevent: alert\ndata: %b\n\n" % (entry.alert.id.encode(), entry.json)

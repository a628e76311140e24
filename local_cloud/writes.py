"""Calls take effect one after the other, each in one transaction that the edge has accepted."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol, TypeVar
from weakref import WeakValueDictionary

from local_cloud.edge_view import EdgeView
from local_cloud.store import Store

Result = TypeVar("Result")

PLACES = 8
"""For what changes folders outside of a transaction: so many pushes are worked on at once."""


class ReloadableEdge(Protocol):
    """The edge, as far as a write needs it."""

    async def reload(self) -> None:
        """Serve what the `EdgeView` shows now. If that can't be served, raises and serves what it did before."""

    async def refresh(self) -> None:
        """Serve no script of a namespace that is older than what is committed now."""


class Writes:
    """The one way to change the store while the local cloud runs."""

    def __init__(self, store: Store, view: EdgeView, edge: ReloadableEdge) -> None:
        self._store = store
        self._view = view
        self._edge = edge
        self._turn = asyncio.Lock()
        self._places = asyncio.Semaphore(PLACES)
        self._threads = ThreadPoolExecutor(PLACES)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._replacing = asyncio.Lock()
        self._watchers: list[tuple[str, Callable[[], None]]] = []

    def watch(self, collection: str, action: Callable[[], None]) -> None:
        """Have `action` called after each commit that has written to `collection`."""
        self._watchers.append((collection, action))

    async def catch_up(self) -> None:
        """Call each watcher once, for what an earlier process has left to do."""
        async with self._turn:
            self._tell()

    @asynccontextmanager
    async def aside(self) -> AsyncIterator[None]:
        """Around what changes folders for longer than a call may take: calls go on, but nothing is replaced."""
        async with self._places:
            yield

    async def beside(self, resource: str, work: Callable[[], Result]) -> Result:
        """Run `work`, which leaves the store alone, on a thread; calls go on, but nothing is replaced.

        What concerns one resource is done one after the other.
        """
        turn = self._turns.setdefault(resource, asyncio.Lock())
        async with turn, self.aside():
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def run(self, work: Callable[[], Result], after_commit: Iterable[Callable[[], None]] = ()) -> Result:
        """Run `work` on a thread, inside a transaction; what it has stored is served by the edge when this returns.

        If `work` raises, or the edge can't serve what it has stored, nothing is stored and the exception is raised.
        `after_commit`, which `work` may fill, runs once nothing can be lost any more.
        """
        async with self._turn:
            shown = False
            try:
                with self._store.transaction():
                    result = await asyncio.to_thread(work)
                    if self._store.changed & EdgeView.COLLECTIONS:
                        with self._view.showing(self._store):
                            await self._edge.reload()
                        shown = True
            except Exception:
                if shown:  # and then not committed
                    await self._edge.reload()
                raise
            if self._store.changed & EdgeView.SCRIPTS:
                await self._edge.refresh()
            for action in after_commit:
                action()
            for collection, action in self._watchers:
                if collection in self._store.changed:
                    action()
            return result

    async def replace(self, action: Callable[[], None]) -> None:
        """Run `action`, which brings its own transactions, between two calls; the edge serves what it leaves."""
        async with self._replacing, AsyncExitStack() as places:
            for _ in range(PLACES):
                await places.enter_async_context(self._places)
            await places.enter_async_context(self._turn)
            try:
                await asyncio.to_thread(action)
            finally:
                await self._edge.reload()
                await self._edge.refresh()
            self._tell()

    def _tell(self) -> None:
        for _, action in self._watchers:
            action()

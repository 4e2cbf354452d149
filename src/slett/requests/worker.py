"""A worker: one of any number, on any number of machines, that carry out what a PostgreSQL ledger says is due.

The ledger decides; procrastinate only wakes. A worker looks into the ledger by itself every few seconds as well, so
that nothing depends on a job: it wakes others for what waits there, such as the batch of a worker that died. Small
batches and large ones have a queue each, so neither waits for the other. Everything that is not an erasure is done by
each worker's `Runner`, beside.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from slett.ledger import Lane, LedgerError, open_ledger
from slett.ledger.database import connect_arguments
from slett.ledger.jobs import QUEUES, TASK
from slett.requests.due import erase_due, resume_batch
from slett.requests.failing import said
from slett.requests.notices import Transport
from slett.requests.pause import is_paused
from slett.requests.runner import Runner
from slett.requests.standing import Standing
from slett.settings import Settings

if TYPE_CHECKING:
    from procrastinate import App, JobContext

LOOK_SECONDS = 2.0  # how often a worker looks into the ledger by itself
BEAT_SECONDS = 5.0
DEAD_SECONDS = 15.0  # without a sign of life, a worker's jobs are given to others
REST_SECONDS = 10.0  # after a failure that is not of one batch, such as a store that is down

log = logging.getLogger(__name__)


class Worker:
    """Works from `start` until `stop`.

    Args:
        transport: carries the mails; by default the mail server of the settings.
        grace: seconds that a batch may go on after `stop` before it is left to others.
    """

    def __init__(self, settings: Settings, transport: Transport | None = None, *, grace: float = 30.0) -> None:
        self._settings = settings
        self._standing = Standing(settings)
        self._runner = Runner(self._standing.service, transport, erases=False)
        self._grace = grace
        self._stopped = threading.Event()
        self._rest_until = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._live: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="slett worker", daemon=True)

    def start(self) -> None:
        """Begin.

        Raises:
            LedgerError: the ledger does not answer, or is not in PostgreSQL.
        """
        with open_ledger(self._settings) as ledger:
            ledger.prepare_jobs()
        self._runner.start()
        self._thread.start()

    def nudge(self) -> None:
        """Something is to be done now; jobs tell that by themselves."""
        self._runner.nudge()

    def stop(self) -> None:
        """End after what is being done, or after `grace`: what is left then, others take over."""
        self._stopped.set()
        if self._loop and self._live:
            self._loop.call_soon_threadsafe(self._live.cancel)
        self._thread.join(self._grace + 5)
        self._runner.stop(1.0)
        self._standing.close()

    def _run(self) -> None:
        asyncio.run(self._until_stopped())

    async def _until_stopped(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not self._stopped.is_set():
            self._live = asyncio.ensure_future(self._work_with_jobs())
            if self._stopped.is_set():
                self._live.cancel()
            try:
                await self._live
            except asyncio.CancelledError:
                continue
            except Exception as error:  # the ledger is down: it will be back
                log.error("worker: %s; tried again", said(error))
            await asyncio.sleep(1.0)

    async def _work_with_jobs(self) -> None:
        """Ends when the ledger's database cannot be reached any more."""
        from procrastinate import App, PsycopgConnector

        arguments = connect_arguments(self._settings.ledger)
        app = App(connector=PsycopgConnector(kwargs=arguments, min_size=1, max_size=6, timeout=10.0))
        app.task(name=TASK, pass_context=True)(self._job)
        async with app.open_async():
            tasks = [asyncio.ensure_future(self._look_around(app))]
            tasks += [asyncio.ensure_future(self._serve(app, queue)) for queue in QUEUES.values()]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                ended = await asyncio.gather(*tasks, return_exceptions=True)
            for each in ended:
                if isinstance(each, Exception):
                    raise each

    async def _serve(self, app: "App", queue: str) -> None:
        await app.run_worker_async(
            queues=[queue],
            name=queue,
            install_signal_handlers=False,
            update_heartbeat_interval=BEAT_SECONDS,
            stalled_worker_timeout=DEAD_SECONDS,
            shutdown_graceful_timeout=self._grace,
            delete_jobs="always",  # what happened is in the ledger
        )

    # -- what jobs do -------------------------------------------------------------------------------

    async def _job(self, context: "JobContext", /, **argument: Any) -> None:
        """Never fails: why something failed is in the ledger, without anybody's data."""
        lane: Lane = "large" if context.job.queue == QUEUES["large"] else "small"
        await _in_thread(lambda: self._do(lane, argument.get("batch")))

    def _do(self, lane: Lane, batch: int | None) -> None:
        try:
            service = self._standing.service()
            if batch is not None:
                resume_batch(service, batch, lane)
                return
            while not self._stopped.is_set() and erase_due(service):
                continue
        except Exception as error:  # nothing may end the worker, and no driver's text go into a log
            log.error("erasures: %s; tried again", said(error))
            self._rest_until = time.monotonic() + REST_SECONDS

    # -- looking by itself --------------------------------------------------------------------------

    async def _look_around(self, app: "App") -> None:
        """Wake somebody for whatever waits in the ledger, and for the jobs of workers that died."""
        while True:
            await self._give_to_others(app)
            if time.monotonic() >= self._rest_until:
                try:
                    for lane, argument in await _in_thread(self._waiting):
                        await self._wake(app, lane, argument)
                except LedgerError as error:
                    log.error("worker: %s", said(error))
            await asyncio.sleep(LOOK_SECONDS)

    def _waiting(self) -> list[tuple[Lane, dict[str, Any]]]:
        service = self._standing.service()
        if is_paused(service):
            return []
        with service.ledger.read() as page:
            found: list[tuple[Lane, dict[str, Any]]] = [
                (each.lane, {"batch": each.number}) for each in page.batches.waiting()
            ]
            found += [("small", {"request": each.reference}) for each in page.requests.due(page.now, "erase", 1)]
        return found

    async def _wake(self, app: "App", lane: Lane, argument: dict[str, Any]) -> None:
        from procrastinate.exceptions import AlreadyEnqueued

        name = f"batch {argument['batch']}" if "batch" in argument else "due"
        with suppress(AlreadyEnqueued):
            await app.configure_task(TASK, queue=QUEUES[lane], queueing_lock=name).defer_async(**argument)

    async def _give_to_others(self, app: "App") -> None:
        from procrastinate.exceptions import ConnectorException

        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=DEAD_SECONDS):
            try:
                await app.job_manager.retry_job(job)
            except ConnectorException:  # another worker was first
                continue


async def _in_thread(work: Callable[[], Any]) -> Any:
    """What the work answers, done in a thread that does not keep the process alive."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Any] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(result)
        else:
            answer.set_exception(error)

    def run() -> None:
        result, failed = None, None
        try:
            result = work()
        except BaseException as error:
            failed = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=run, name="slett job", daemon=True).start()
    return await answer

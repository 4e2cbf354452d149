"""Whatever people do at the desk, in whatever order: the laws hold."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import booleans, integers, sampled_from

from slett.requests.answers import NotFresh, NotTheirs, TooLate, WrongPhrase
from slett.requests.codes import CodeError
from slett.requests.erase import erase_filed
from slett.requests.particulars import read_particulars
from slett.requests.sessions import Session, SomebodyElse, begin, find, renew
from tests.journeys.scene import Scene
from tests.ledger.clock import Clock
from tests.requests.shop import Counter, fill, opened_counter

PEOPLE = 3


class AtTheDesk(RuleBasedStateMachine):
    """Three people, any number of browsers, a clock and a worker."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        scene = Scene(Path(self.folder.name), {"shop": f"sqlite:///{self.folder.name}/shop.db"})
        fill(scene, PEOPLE)
        self.opened = opened_counter(scene, Clock())
        self.counter: Counter = self.opened.__enter__()
        self.browsers: list[tuple[int, str]] = []  # who began, token
        self.proven: set[str] = set()  # references that were confirmed with everything that is needed
        self.cancelled: set[str] = set()
        self.owner: dict[str, int] = {}
        self.secret: dict[str, str] = {}

    def teardown(self) -> None:
        self.opened.__exit__(None, None, None)
        self.folder.cleanup()

    def _browser(self, place: int) -> tuple[int, str, Session | None]:
        who, token = self.browsers[place % len(self.browsers)]
        return who, token, find(self.counter.service, token)

    def _erased(self, who: int) -> bool:
        return self.counter.scene.rows(f"SELECT count(*) FROM users WHERE id = {who}") == [(0,)]

    @rule(who=integers(1, PEOPLE), fresh=booleans())
    def sign_in(self, who: int, fresh: bool) -> None:
        signed_in_at = self.counter.clock.now - timedelta(minutes=0 if fresh else 6)
        self.browsers.append((who, begin(self.counter.service, self.counter.identity(who, signed_in_at=signed_in_at))))

    @precondition(lambda self: self.browsers)
    @rule(place=integers(0, 9), who=integers(1, PEOPLE))
    def sign_in_again(self, place: int, who: int) -> None:
        began, token, session = self._browser(place)
        if session is None:
            return
        filed = session.request and self.counter.state(session.request) == "filed"
        self.browsers.remove((began, token))
        try:
            renewed = renew(self.counter.service, session, self.counter.identity(who))
        except SomebodyElse:
            assert began != who
            assert session.request
            self.cancelled.add(session.request)
            assert filed
        else:
            after = self.counter.opened(renewed)
            assert (after.request == session.request) if began == who else (after.request is None)
            self.browsers.append((who, renewed))
        assert find(self.counter.service, token) is None

    @precondition(lambda self: self.browsers)
    @rule(place=integers(0, 9), kind=sampled_from(["erase", "export"]))
    def choose(self, place: int, kind: Any) -> None:
        who, _, session = self._browser(place)
        if session is None or self._erased(who):
            return
        request = self.counter.desk.choose(session, kind)
        assert self.owner.setdefault(request.reference, who) == who
        assert request.reference not in self.cancelled

    @precondition(lambda self: self.browsers and self.owner)
    @rule(place=integers(0, 9), pick=integers(0, 9), right=booleans(), phrase=booleans())
    def confirm(self, place: int, pick: int, right: bool, phrase: bool) -> None:
        who, _, session = self._browser(place)
        references = sorted(self.owner)
        request = self.counter.request(references[pick % len(references)])
        if session is None:
            return
        try:
            code = self.counter.code(session, request) if right else "nonsense"
            filed = self.counter.desk.confirm(session, request, code=code, phrase_ok=phrase)
        except NotTheirs:
            assert session.request != request.reference or self.owner[request.reference] != who
        except NotFresh:
            assert not session.identity.is_fresh(self.counter.clock.now, 5)
        except WrongPhrase:
            assert not phrase
        except TooLate:
            assert request.reference in self.cancelled
        except CodeError:
            pass  # wrong, or too many this hour
        else:
            assert self.owner[request.reference] == who
            self.proven.add(request.reference)
            assert self.secret.setdefault(request.reference, filed.secret) == filed.secret
            assert right or session.secret

    @precondition(lambda self: self.browsers and self.owner)
    @rule(place=integers(0, 9), pick=integers(0, 9), by_secret=booleans())
    def cancel(self, place: int, pick: int, by_secret: bool) -> None:
        who, _, session = self._browser(place)
        references = sorted(self.owner)
        reference = references[pick % len(references)]
        by = self.secret.get(reference, "0" * 26) if by_secret else session
        if by is None:
            return
        try:
            done = self.counter.desk.cancel(reference, by)
        except NotTheirs:
            assert (reference not in self.secret) if by_secret else self.owner[reference] != who
        else:
            assert by_secret or self.owner[reference] == who
            if done:
                assert reference not in self.cancelled
                self.cancelled.add(reference)

    @rule(hours=sampled_from([0.05, 0.2, 1, 30]))
    def wait(self, hours: float) -> None:
        self.counter.clock.forward(hours=hours)

    @rule()
    def work(self) -> None:
        """As the runner does: what is due is erased."""
        with self.counter.service.ledger.read() as page:
            due = [(each, read_particulars(page, each.reference)) for each in page.requests.due(page.now, "erase")]
        erase_filed(self.counter.service, [(each, who.subject) for each, who in due if who])

    @invariant()
    def nothing_runs_unconfirmed_or_after_a_cancel(self) -> None:
        for reference in self.owner:
            state = self.counter.state(reference)
            if state in ("running", "verifying", "fulfilled"):
                assert reference in self.proven
                assert reference not in self.cancelled
            if reference in self.cancelled:
                assert state == "cancelled"
            if state == "scheduled":
                assert reference in self.proven
        for who in range(1, PEOPLE + 1):
            mine = [each for each, owner in self.owner.items() if owner == who]
            assert self._erased(who) == any(
                self.counter.state(each) == "fulfilled" and self.counter.request(each).kind == "erase" for each in mine
            )

    @invariant()
    def nobody_sees_anothers_request(self) -> None:
        for who, token in self.browsers:
            session = find(self.counter.service, token)
            request = session and self.counter.desk.request_of(session)
            assert not request or self.owner[request.reference] == who


AtTheDesk.TestCase.settings = settings(
    max_examples=20, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)
TestAtTheDesk = AtTheDesk.TestCase

"""Holds: whose request is suspended, and what of it can be done all the same.

A hold on everything suspends a request: it waits, and says so. A hold on some tables keeps their rows, and the rows
that those hang on; the rest is erased, and what was kept back goes when the hold is released, by a request that waits
for it.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, replace
from datetime import date

from slett.execute import Run, Walk
from slett.ledger import Page, Request
from slett.ledger.holds import Hold, Mark
from slett.ledger.requests import Kind
from slett.plan import Step
from slett.plan.links import identifier_set
from slett.requests.particulars import Particulars, read_particulars
from slett.requests.refuse import Refusal, Refused
from slett.requests.rest import rests_of
from slett.requests.service import Service
from slett.requests.subject import Subject, collected
from slett.stores.errors import Unavailable
from slett.stores.operations import Delete


class HeldBack(Unavailable):
    """Somebody placed a hold while the work was under way. It stops, and goes on without whoever is held."""

    def __str__(self) -> str:
        return self.sentence


class HoldError(Exception):
    """A hold cannot be placed so."""


@dataclass(frozen=True, slots=True)
class HeldRequest:
    """A person whose request meets holds: all of it, or some tables of it."""

    hold: Hold  # the first of them that holds everything, or else the first
    tables: frozenset[str]  # empty: everything
    newest: int = 0  # of them


def place(
    service: Service, subject: Subject, basis: str, review: date, tables: tuple[str, ...] = (), by: str = ""
) -> int:
    """The number of a new hold on a person, from this moment on.

    Args:
        tables: `store/table`; none: everything of theirs.

    Whoever was sealed when they closed their account is held, too, and so is what did not come back with them yet:
    what is in their vault is not destroyed.

    Raises:
        Refused: nobody is found by what was given, or several people; or they are erased, and could be brought back.
        HoldError: a table is not one of the map.
    """
    for each in tables:
        if each not in service.relations.tables:
            known = ", ".join(f"`{name}`" for name in service.relations.tables)
            raise HoldError(f"the map has no table `{each}` with rows of persons; write one of {known}")
    with service.sessions() as sessions:
        walk = collected(service.plan, sessions, [subject])
        if doubled := walk.doubled_roots():
            raise Refused(Refusal("refused", f"several rows of `{doubled[0]}` share what was given; name one by key"))
        live = bool(walk.found_roots() or sum(Run(walk, service.settings.chunk_rows).count()))
        marks = {(subject.kind, subject.text), *(mark for _, mark in marks_of(service, walk))}
    with service.ledger.write() as page:
        sealed = _sealed(page, service, marks)
        if not live and not sealed:
            raise Refused(_why_not_found(page, marks))
        number = page.holds.add(basis, by, review, tables, [*sorted(marks), *map(_mark, sealed)])
        for closed in sealed:
            page.requests.put_off(closed.reference, number, f"held: {basis}")
        page.log.append([{"event": "hold placed", "hold": number, "tables": list(tables)}])
    return number


def release(service: Service, number: int) -> int | None:
    """How many requests go on that the hold had suspended; None where there is no such hold, or it was released."""
    with service.ledger.write() as page:
        waiting = sum(each.held == number for each in page.requests.find(state="scheduled"))
        if not page.holds.release(number):
            return None
        page.log.append([{"event": "hold released", "hold": number}])
    return waiting


def hold_on(page: Page, closed: Request) -> Hold | None:
    """The oldest hold on what a close has sealed, or None: with one, nothing is destroyed before the release.

    Nobody places such a hold between this answer and the end of the transaction.
    """
    page.requests.lock("close", closed.subject)
    on = page.holds.match([_mark(closed)]).get(_mark(closed), set())
    return next((each for each in page.holds.standing() if each.number in on), None) if on else None


def _sealed(page: Page, service: Service, marks: Iterable[Mark]) -> list[Request]:
    """The closes that sealed whoever had one of these keys or identifiers, and whose end has not come."""
    found = []
    rests = [rest.closed for rest, _ in rests_of(page, service.ledger.keys, marks)]
    for closed in [*_gone(page, marks, "close"), *rests]:
        page.requests.lock("close", closed.subject)  # whoever ends it waits, or has ended it: look again
        if (vault := page.vaults.of_request(closed.reference)) and vault.may_open:
            found.append(closed)
    return found


def _why_not_found(page: Page, marks: Iterable[Mark]) -> Refusal:
    for each in _gone(page, marks, "erase"):
        vault = page.vaults.of_batch(each.batch) if each.batch is not None else None
        if vault and vault.state == "sealed" and not each.followed_by:
            back = f"`slett restore {each.reference}` brings them back, and then they can be held"
            return Refusal("refused", f"they are erased, and the undo window is open: {back}")
    return Refusal("not_found", "nobody was found by what was given, in any store")


def _gone(page: Page, marks: Iterable[Mark], kind: Kind) -> list[Request]:
    """The requests of that kind that took away whoever had one of these keys or identifiers."""
    stones = (stone for what, text in marks for stone in page.tombstones.every(what, [text]).get(text, ()))
    found = page.requests.some({stone.request for stone in stones})
    return [found[reference] for reference in sorted(found) if found[reference].kind == kind]


def _mark(closed: Request) -> Mark:
    return "request", closed.reference


def marks_of(service: Service, walk: Walk) -> Iterator[tuple[int, Mark]]:
    """(person's number, a key or identifier of theirs), of everybody in a walk."""
    for named in service.plan.named:
        kind = named.root or named.identifier
        name = named.root or identifier_set(named.identifier)
        places = [1 + walk.columns_of(name).index(each) for each in named.keys.columns]
        for row in walk.rows_of(name):
            yield row[0], (kind, Subject(kind, tuple(row[place] for place in places)).text)


def by_keys(walk: Walk, numbers: Set[int]) -> dict[int, Subject]:
    """These persons by a key of theirs, which nobody else takes; a guest has none."""
    found: dict[int, Subject] = {}
    for named in walk.plan.named:
        if named.root:
            places = [1 + walk.columns_of(named.root).index(each) for each in named.keys.columns]
            for row in walk.rows_of(named.root):
                if row[0] in numbers:
                    found.setdefault(row[0], Subject(named.root, tuple(row[place] for place in places)))
    return found


def find_held(service: Service, walk: Walk) -> dict[int, HeldRequest]:
    """Whoever of a walk is held, by their number.

    A hold that knows the key of its person is not on somebody else who has their address by now.
    """
    with service.ledger.read() as page:
        standing = {each.number: each for each in page.holds.standing()}
        if not standing:
            return {}
        marks: dict[int, list[Mark]] = {}
        for number, mark in marks_of(service, walk):
            marks.setdefault(number, []).append(mark)
        met = page.holds.match(mark for some in marks.values() for mark in some)
        roots = {number: page.holds.kinds(number).intersection(service.plan.roots) for number in standing}
    found = {}
    for person, some in marks.items():
        mine = {kind for kind, _ in some}
        keyed = {hold for mark in some if mark[0] in service.plan.roots for hold in met.get(mark, ())}
        named = {hold for mark in some for hold in met.get(mark, ()) if not roots[hold] & mine}
        if on := [standing[number] for number in sorted(keyed | named)]:
            found[person] = _together(on)
    return found


def _together(on: list[Hold]) -> HeldRequest:
    whole = next((each for each in on if not each.tables), None)
    newest = on[-1].number
    if whole:
        return HeldRequest(whole, frozenset(), newest)
    return HeldRequest(on[0], frozenset(table for each in on for table in each.tables), newest)


# -- suspended --------------------------------------------------------------------------------------


def suspend(page: Page, request: Request, subject: Subject, held: HeldRequest) -> str:
    """Take a request out of its batch until the hold is released; says why. Whom it means stays sealed with it."""
    reason = f"held: {held.hold.basis}"
    page.requests.suspend(request.reference, held.hold.number, reason)
    if read_particulars(page, request.reference) is None:
        page.particulars.put(request.reference, Particulars(subject, (), (), "", "").pack())
    page.log.append([{"event": "held", "request": request.reference, "hold": held.hold.number}])
    return reason


def ask_again(page: Page, service: Service, request: Request, subject: Subject, held: HeldRequest) -> None:
    """File what is left of a request, to be done when the hold is released."""
    (later,) = page.requests.file(
        "erase",
        [request.subject],
        service.datamap.digest,
        request.due_at - request.filed_at,
        "scheduled",
        follows=request,
        origin="released",
    )
    who = read_particulars(page, request.reference) or Particulars(subject, (), (), "", "")
    page.particulars.put(later.reference, replace(who, subject=subject).pack())
    standing = {each.number for each in page.holds.standing()}
    page.requests.suspend(
        later.reference, held.hold.number if held.hold.number in standing else None, f"held: {held.hold.basis}"
    )


# -- what can be done all the same ------------------------------------------------------------------


def kept_back(service: Service, tables: frozenset[str]) -> set[str]:
    """The tables that stay as they are: the held ones, and all that their rows hang on."""
    found: set[str] = set()
    waiting = list(tables)
    while waiting:
        name = waiting.pop()
        if name in found or name not in service.relations.tables:
            continue
        found.add(name)
        waiting += [way.parent for way in service.relations.ways(name) if way.parent]
        store = service.relations.tables[name].store
        waiting += [f"{store}/{key.table}" for key in service.relations.live(name).foreign_keys]
    return found


def narrowed(service: Service, tables: frozenset[str]) -> Service:
    """The service as an erasure sees it that leaves held rows alone."""
    back = kept_back(service, tables)
    plan = replace(
        service.plan,
        steps=tuple(step for step in service.plan.steps if _may(step, back, tables)),
        keepings=tuple(each for each in service.plan.keepings if f"{each.store}/{each.table}" not in back),
    )
    looked_at = tuple(each for each in service.expectations if f"{each.store}/{each.change.rows.table}" not in back)
    return replace(service, plan=plan, expectations=looked_at, rehearsed=set())


def _may(step: Step, back: set[str], tables: frozenset[str]) -> bool:
    """What is kept back is not changed; but whoever leaves cannot sign in any more."""
    name = f"{step.store}/{step.table}"
    return name not in back or (step.what == "disable" and name not in tables and not _deletes(step))


def _deletes(step: Step) -> bool:
    return isinstance(step.change, Delete)

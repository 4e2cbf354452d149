"""Vaults: in which of them the rows of a request may be."""

from slett.ledger import Ledger


def test_the_earlier_vaults_of_somebody_are_those_that_name_their_request_newest_first(ledger: Ledger) -> None:
    people = (["S-0000-0001", "S-0000-0002"], ["S-0000-0002"], ["S-0000-0003", "S-0000-0001"], ["S-0000-0001"])
    with ledger.write() as page:
        made = []
        for some in people:
            batch = page.batches.create([], "host:1")
            made.append(page.vaults.join(batch.lease, page.vaults.create("age1recipient", []), some).number)
        page.vaults.create("age1recipient", [])
    with ledger.read() as page:
        assert [each.number for each in page.vaults.earlier("S-0000-0001", made[-1])] == [made[2], made[0]]
        assert [each.number for each in page.vaults.earlier("S-0000-0002", made[-1])] == [made[1], made[0]]
        assert page.vaults.earlier("S-0000-0001", made[0]) == ()

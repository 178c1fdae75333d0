"""What a person does about a command: cancel, resume, abandon, by the buttons of its page."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client

from fleet.command_options import OF_PAGES, Options
from fleet.models import Account, Command, CommandEvent, CommandItem, Station
from people.models import Membership
from people.roles import Role
from tests import factories
from tests.factories import NOW
from tests.fleet import asking
from tests.fleet.asking import station

pytestmark = pytest.mark.django_db


def asked(owner: Membership, stations: list[Station], options: Options = OF_PAGES) -> Command:
    return asking.asked(owner, stations, options=options)


def states(command: Command) -> list[str]:
    return list(command.items.order_by("pk").values_list("state", flat=True))


def buttons(client: Client, command: Command) -> set[str]:
    can = client.get(f"/commands/{command.public_id}/").context["can"]
    return {name for name, is_offered in can.items() if is_offered}


def limited(owner: Membership, *seen: Station) -> Client:
    sites = [row.site_id for row in seen]
    return factories.client_for(factories.member(Role.OPERATOR, organisation=owner.organisation, site_ids=sites))


def pause(command: Command) -> None:
    Command.objects.filter(pk=command.pk).update(paused_at=NOW, paused_why="3 of 5 failed", held_until=None)
    command.items.filter(state="queued").update(due_at=None)


def test_a_held_command_is_taken_back_whole(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    made = asked(owner, [station(owner, account), station(owner, account)])
    assert buttons(client, made) == {"cancel"}
    answer = client.post(f"/commands/{made.public_id}/cancel", follow=True)
    assert states(made) == ["cancelled", "cancelled"]
    html = answer.content.decode()
    assert "2 changes are taken back." in html and "Taken back before it was sent" in html
    again = client.post(f"/commands/{made.public_id}/cancel", follow=True).content.decode()
    assert "Nothing was taken back" in again
    assert CommandEvent.objects.filter(command=made, verb="cancelled").count() == 1


def test_what_has_left_stays(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    made = asked(owner, [station(owner, account), station(owner, account)])
    CommandItem.objects.filter(pk=made.items.order_by("pk")[0].pk).update(state="accepted", accepted_at=NOW)
    assert buttons(client, made) == {"cancel", "undo"}
    client.post(f"/commands/{made.public_id}/cancel")
    assert states(made) == ["accepted", "cancelled"]


def test_a_paused_command_goes_on_or_is_given_up(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    made, other = (asked(owner, [station(owner, account), station(owner, account)]) for _ in range(2))
    for row in (made, other):
        pause(row)
        assert buttons(client, row) == {"resume", "abandon"}
    assert "It goes on" in client.post(f"/commands/{made.public_id}/resume", follow=True).content.decode()
    made.refresh_from_db()
    assert (made.paused_at, states(made)) == (None, ["queued", "queued"])
    assert made.items.filter(due_at__lte=Now() + timedelta(seconds=1)).count() == 2
    assert "It is not paused." in client.post(f"/commands/{made.public_id}/resume", follow=True).content.decode()
    answer = client.post(f"/commands/{other.public_id}/abandon", follow=True).content.decode()
    assert "2 changes are taken back." in answer and states(other) == ["cancelled", "cancelled"]
    assert "Nothing was left" in client.post(f"/commands/{other.public_id}/abandon", follow=True).content.decode()


def test_who_sees_some_sites_takes_back_only_theirs(owner: Membership, account: Account) -> None:
    mine, other = station(owner, account), station(owner, account)
    made = asked(owner, [mine, other])
    client = limited(owner, mine)
    assert "Cancel for your sites" in client.get(f"/commands/{made.public_id}/").content.decode()
    client.post(f"/commands/{made.public_id}/cancel")
    assert states(made) == ["cancelled", "queued"]


def test_who_sees_some_sites_neither_resumes_nor_abandons_the_whole(owner: Membership, account: Account) -> None:
    mine, other = station(owner, account), station(owner, account)
    made = asked(owner, [mine, other])
    pause(made)
    client = limited(owner, mine)
    assert buttons(client, made) == {"cancel"}
    for verb in ("resume", "abandon"):
        answer = client.post(f"/commands/{made.public_id}/{verb}", follow=True).content.decode()
        assert "It also goes to stations of other sites." in answer
    made.refresh_from_db()
    assert (made.paused_at, states(made)) == (NOW, ["queued", "queued"])
    whole = limited(owner, mine, other)
    assert buttons(whole, made) == {"resume", "abandon"}


def test_what_went_wrong_can_be_tried_again_and_what_is_done_undone(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    made = asked(owner, [station(owner, account) for _ in range(4)])
    ends = [("finished", ""), ("failed", "offline"), ("timed_out", ""), ("contradicted", "")]
    for item, (state, code) in zip(made.items.order_by("pk"), ends, strict=True):
        CommandItem.objects.filter(pk=item.pk).update(state=state, error_code=code, accepted_at=NOW)
    page = client.get(f"/commands/{made.public_id}/")
    assert {name for name, is_offered in page.context["can"].items() if is_offered} == {"undo", "retry"}
    tried = {row.item.state: row.is_retried for row in page.context["rows"]}
    assert tried == {"finished": False, "failed": True, "timed_out": True, "contradicted": True}
    html = page.content.decode()
    assert html.count('form="f-retry" name="alike"') == 3 and 'id="f-retry" method="post"' in html


@pytest.mark.parametrize("name", ["cancel", "resume", "abandon", "undo", "retry"])
def test_who_may_not_command_finds_nothing_there_by_any_method(owner: Membership, account: Account, name: str) -> None:
    made = asked(owner, [station(owner, account)])
    viewer = factories.client_for(factories.member(Role.VIEWER, organisation=owner.organisation))
    url = f"/commands/{made.public_id}/{name}"
    assert (viewer.get(url).status_code, viewer.post(url).status_code) == (404, 404)


def test_the_portals_command_is_only_looked_at(owner: Membership, account: Account) -> None:
    client = factories.client_for(owner)
    made = asked(owner, [station(owner, account), station(owner, account)])
    Command.objects.update(origin="portal", held_until=None)
    made.items.update(state="failed", error_code="offline")
    assert buttons(client, made) == set()


def test_a_viewer_sees_no_buttons_and_no_forms(owner: Membership, account: Account) -> None:
    made = asked(owner, [station(owner, account)])
    viewer = factories.client_for(factories.member(Role.VIEWER, organisation=owner.organisation))
    html = viewer.get(f"/commands/{made.public_id}/").content.decode()
    main = html[html.index("<main") : html.index("</main>")]
    assert "<form" not in main and "<button" not in main
    list_html = viewer.get("/commands/").content.decode()
    assert "csrfmiddlewaretoken" not in list_html[list_html.index("<main") : list_html.index("</main>")]

"""A receipt sent by e-mail: once, when it is final, and with the mail server's own words where it fails."""

import socket
import threading
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends import locmem
from django.db import connection
from django.urls import reverse

from charging import receipt_links, receipt_mail
from charging.models import ReceiptLink, Session
from charging.models.session import State
from people.models import AuditEntry, Membership
from tests import factories

NOW = factories.NOW
TO = "driver@example.com"
World = tuple[Membership, Session]


@pytest.fixture
def world(settings: Any) -> World:
    settings.PUBLIC_URL = "https://charge.example.com"
    owner = factories.member()
    station = factories.station(factories.site(owner.organisation, name="Har\nbour"))
    fields = {"energy_kwh": Decimal("5.125"), "cost": Decimal("2.50"), "completed_at": NOW, "final_at": NOW}
    return owner, factories.session(station, state=State.COMPLETED, **fields)


def ask(world: World, to: str = TO, **headers: str) -> Any:
    owner, session = world
    path = reverse("session_receipt_mail", args=[session.public_id])
    return factories.client_for(owner).post(path, {"address": to}, headers=headers)


def part(world: World) -> str:
    owner, session = world
    path = reverse("session_receipt_part", args=[session.public_id])
    return str(factories.client_for(owner).get(path).content.decode())


def send_due() -> list[bool]:
    return [receipt_mail.send(link_id, lambda: NOW) for link_id in receipt_mail.due()]


@pytest.mark.django_db
def test_a_mail_goes_out_once_with_the_link(world: World) -> None:
    assert ask(world).status_code == 302
    assert "On its way to driver@example.com" in part(world)
    assert (send_due(), send_due()) == ([True], [])
    link = ReceiptLink.objects.get()
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == ([TO], "Your charging receipt: Har bour, 1 Jun 2026")
    assert f"https://charge.example.com/r/{link.token}\n" in sent.body
    assert "Energy: 5.125 kWh\nTotal: 2.50 CAD\n" in sent.body
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    assert (link.emailed_to, link.emailed_at, link.email_error) == (TO, NOW, "")
    assert "Sent to driver@example.com" in part(world)
    entry = AuditEntry.objects.get(verb="session.receipt_mail_requested")
    assert entry.details == {"session": str(world[1].public_id), "to": TO}


@pytest.mark.django_db
def test_a_mail_waits_for_the_final_figures(world: World) -> None:
    Session.objects.update(state=State.CHARGING, ended_at=None, final_at=None)
    ask(world)
    assert "Goes to driver@example.com as soon as the figures are final." in part(world)
    assert receipt_mail.due() == []
    Session.objects.update(state=State.COMPLETED, ended_at=NOW, final_at=NOW)
    assert send_due() == [True]
    assert len(mail.outbox) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("to", ["", "driver", "a@b", "x@example.com\nBcc: y@example.com", "a" * 250 + "@example.com"])
def test_an_address_that_is_none_is_refused(world: World, to: str) -> None:
    answer = ask(world, to)
    assert answer.status_code == 200
    assert answer.context["form"].errors["address"]
    assert not ReceiptLink.objects.exists()


@pytest.mark.django_db
def test_a_second_click_sends_nothing_twice(world: World) -> None:
    for _click in range(2):
        ask(world)
    assert send_due() == [True]
    link = ReceiptLink.objects.get()
    actor = factories.actor(world[0])
    receipt_mail.request(actor=actor, link=link, address=TO, now=NOW + timedelta(seconds=5))
    assert receipt_mail.due() == []
    receipt_mail.request(actor=actor, link=link, address=TO, now=NOW + timedelta(minutes=5))
    assert send_due() == [True]
    assert AuditEntry.objects.filter(verb="session.receipt_mail_requested").count() == 2


@pytest.mark.django_db
def test_a_broken_mail_server_is_shown_and_tried_again(world: World, settings: Any) -> None:
    with socket.socket() as taken:  # bound and not listening: nobody answers, and nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        settings.EMAIL_HOST, settings.EMAIL_PORT = taken.getsockname()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        ask(world)
        assert send_due() == [False]
    html = part(world)
    assert "It could not be sent to driver@example.com." in html
    assert "ConnectionRefusedError" in html
    assert receipt_mail.due() == []  # it waits for a person
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    ask(world)
    assert send_due() == [True]
    assert "Sent to driver@example.com" in part(world)
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_a_revoked_link_is_not_sent(world: World) -> None:
    ask(world)
    receipt_links.revoke(actor=factories.actor(world[0]), session=world[1], now=NOW)
    assert receipt_mail.due() == []
    link = ReceiptLink.objects.get()
    assert receipt_mail.send(link.pk, lambda: NOW) is False
    with pytest.raises(receipt_mail.Unsendable):
        receipt_mail.request(actor=factories.actor(world[0]), link=link, address=TO, now=NOW)


@pytest.mark.django_db
def test_without_a_public_address_no_mail_is_offered(world: World, settings: Any) -> None:
    settings.PUBLIC_URL = ""
    assert "set PUBLIC_URL" in part(world)
    assert ask(world).context["form"].errors["address"] == [
        "Set PUBLIC_URL first: a mail cannot say where this installation is reached."
    ]
    assert not ReceiptLink.objects.exclude(emailed_to="").exists()


class Slow(locmem.EmailBackend):
    """A mail server that takes its time: the mail is under way until it is let go."""

    under_way, let_go = threading.Event(), threading.Event()

    def send_messages(self, messages: Any) -> int:
        Slow.under_way.set()
        assert Slow.let_go.wait(30)
        return super().send_messages(messages)


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_one_mail(world: World, settings: Any) -> None:
    ask(world)
    settings.EMAIL_BACKEND = f"{__name__}.Slow"
    (link_id,) = receipt_mail.due()
    results: dict[str, bool] = {}

    def work(name: str) -> None:
        try:
            results[name] = receipt_mail.send(link_id, lambda: NOW)
        finally:
            connection.close()

    first = threading.Thread(target=work, args=["first"])
    first.start()
    assert Slow.under_way.wait(30)
    work("second")
    assert results == {"second": False}
    Slow.let_go.set()
    first.join(30)
    assert results == {"second": False, "first": True}
    assert len(mail.outbox) == 1
    assert receipt_mail.send(link_id, lambda: NOW) is False

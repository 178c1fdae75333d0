"""Somebody in front of the pages of the running house, without a browser: signs in, opens pages, sends forms."""

import re

import requests

from tests.hardship.house import House

PATIENCE_S = 30
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class Person:
    def __init__(self, house: House) -> None:
        """The demo's owner, signed in."""
        self.url = house.stack.url
        self.http = requests.Session()
        self.http.trust_env = False
        self.send("/accounts/login/", login="owner@example.com", password="demo-charging")

    def look(self, path: str) -> str:
        """A page, or a download, as text."""
        answer = self.http.get(f"{self.url}{path}", timeout=PATIENCE_S)
        assert answer.status_code == 200, (path, answer.status_code)
        answer.encoding = "utf-8"
        return answer.text

    def send(self, path: str, **fields: str | int) -> requests.Response:
        """The form of a page, sent to where the page is. Returns the page it leads to."""
        token = TOKEN.search(self.look(path))
        assert token is not None, f"no form on {path}"
        answer = self.http.post(
            f"{self.url}{path}",
            data=fields | {"csrfmiddlewaretoken": token[1]},
            headers={"Referer": f"{self.url}{path}"},
            timeout=PATIENCE_S,
        )
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:500])
        answer.encoding = "utf-8"
        return answer

    def add_stations(self, account: int, names: list[str]) -> None:
        """By the page of imports, with its preview."""
        head = "station,site,timezone,currency,level,connectors"
        text = "\n".join([head, *(f"{name},Test site,America/Toronto,CAD,2,1" for name in names)])
        preview = self.send("/stations/import/", account=account, text=text, level=2, connectors=1)
        payload = re.search(r'name="payload" value="([^"]+)"', preview.text)
        assert payload is not None, preview.text
        done = self.send("/stations/import/", payload=payload[1])
        assert f"{len(names)} stations are imported." in done.text

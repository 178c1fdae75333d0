"""Keys, environments and the limit, as a client meets them."""

from tests.sandbox.vendor import Vendor


def test_unknown_key_and_unknown_path(vendor: Vendor) -> None:
    assert vendor.call("GET", "reporting", key="guess").status_code == 401
    assert vendor.call("GET", "nowhere").status_code == 404
    assert vendor.call("DELETE", "session").status_code == 404


def test_staging_is_another_world(vendor: Vendor) -> None:
    vendor.control("stations", {"station": "S1", "environment": "staging"})
    staging = {"key": "sandbox-staging-key", "params": {"environment": "staging"}}
    assert vendor.call("POST", "session", json={"stationId": "S2"}, **staging).status_code == 404
    made = vendor.call("POST", "session", json={"stationId": "S1"}, **staging)
    assert made.status_code == 202
    session_id = made.json()["sessionID"]
    assert vendor.call("GET", f"session/{session_id}", **staging).status_code == 200
    assert vendor.call("GET", f"session/{session_id}").status_code == 404
    assert vendor.call("GET", "exceptions", key="sandbox-staging-key").status_code == 403
    assert vendor.call("GET", "exceptions", params={"environment": "staging"}).status_code == 403
    vendor.call("POST", "stations/manage", json={"stationIds": ["S1"], "setMessage": "x"}, **staging)
    assert vendor.call("GET", "stations/manage/history").json()["jobs"] == []


def test_the_limit_refuses_and_tells_when(vendor: Vendor) -> None:
    vendor.control("keys", {"key": "small", "limit": 3, "window_s": 60})
    statuses = [vendor.call("GET", "exceptions", key="small").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    refused = vendor.call("GET", "exceptions", key="small")
    assert 58 <= int(refused.headers["Retry-After"]) <= 60
    arrivals = vendor.control("arrivals", key="small")
    assert (len(arrivals["arrivals"]), arrivals["accepted"], arrivals["refused_429"]) == (6, 3, 3)
    assert arrivals["max_in_any_window"] == 3
    assert vendor.control("ledger")["requests"]["small"] == {"accepted": 3, "refused_429": 3}


def test_a_page_of_another_origin_may_not_move_the_world(vendor: Vendor) -> None:
    url = f"{vendor.base_url}/_sandbox/plug"
    answer = vendor.http.post(url, json={"stationId": "S1"}, headers={"Origin": "https://evil.example"}, timeout=5)
    assert answer.status_code == 403
    assert vendor.control("plug", {"stationId": "S1"})["state"] == "preparing"


def test_the_forecourt_is_drawn_without_inline_code(vendor: Vendor) -> None:
    page = vendor.http.get(f"{vendor.base_url}/", timeout=5)
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "style=" not in page.text
    assert "<script>" not in page.text
    assert "S1" in page.text
    for name in ("forecourt.css", "forecourt.js", "icon.svg", "live"):
        assert vendor.http.get(f"{vendor.base_url}/_sandbox/forecourt/{name}", timeout=5).status_code == 200


def test_a_form_without_javascript_comes_back_to_the_page(vendor: Vendor) -> None:
    url = f"{vendor.base_url}/_sandbox/plug"
    answer = vendor.http.post(url, data={"stationId": "S1", "connectorId": "2"}, allow_redirects=False, timeout=5)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    (site,) = vendor.control("state")["sites"]
    assert [c["state"] for c in site["stations"][0]["connectors"]] == ["available", "preparing"]


def test_a_revoked_key_is_refused_until_it_is_given_back(vendor: Vendor) -> None:
    key = {"key": "another"}
    vendor.control("keys", key)
    assert vendor.call("GET", "reporting", key="another").status_code == 200
    vendor.control("keys", key | {"revoked": True})
    vendor.control("keys", key | {"limit": 70})
    assert vendor.call("GET", "reporting", key="another").status_code == 401
    vendor.control("keys", key | {"revoked": False})
    assert vendor.call("GET", "reporting", key="another").status_code == 200

"""People with several logins over the API."""

from __future__ import annotations

import pytest

from tests.api.office import ApiHouse, problem
from tests.registry.office import log

LINK = {"login": "ben", "person": "ana"}


def test_a_link_makes_one_pair_of_eyes_of_two_also_for_what_waits(house: ApiHouse) -> None:
    house.enrol()
    etag = house.client("ana").put("/v1/namespaces/team-a", json={"customer": "lab"})
    linked = house.client("pia").post("/v1/people/link", json=LINK)
    assert (linked.status_code, linked.json()["logins"]) == (200, ["ana", "ben"])
    assert linked.json()["look_again"] == ["lab"]
    refused = house.client("ben").post("/v1/namespaces/team-a/approve", headers={"If-Match": etag.headers["etag"]})
    assert "one person" in problem(refused, 403)["detail"]
    assert house.client("pia").get("/v1/people").json()["items"] == [{"logins": ["ana", "ben"], "waiting": []}]


def test_two_policy_admins_take_a_login_out_again(house: ApiHouse) -> None:
    house.client("pia").post("/v1/people/link", json=LINK).raise_for_status()
    named = {"login": "ben"}
    asked = house.client("pia").post("/v1/people/unlink", json=named)
    assert asked.json()["waiting"] == [{"login": "ben", "asked_by": "pia"}]
    problem(house.client("pia").post("/v1/people/unlink/approve", json=named), 403)
    assert house.client("quy").post("/v1/people/unlink/approve", json=named).status_code == 200
    assert house.client("quy").get("/v1/people").json() == {"items": [], "next": None}
    assert [each["type"] for each in log(house.stores)] == ["login.linked", "login.unlink_asked", "login.unlinked"]


@pytest.mark.parametrize(
    "body",
    [
        {"login": "ana", "person": "ANA"},
        {"login": "a\u200bna", "person": "ana"},
        {"login": "", "person": "ana"},
        {"login": "ana"},
    ],
)
def test_what_is_no_second_login_is_refused(house: ApiHouse, body: dict[str, str]) -> None:
    problem(house.client("pia").post("/v1/people/link", json=body), 422)


def test_nobody_but_a_policy_admin_links_or_sees_who_is_one(house: ApiHouse) -> None:
    for name in ("ana", "ben", "both", "vera", "reg"):
        client = house.client(name)
        for answer in (
            client.get("/v1/people"),
            client.post("/v1/people/link", json=LINK),
            client.post("/v1/people/unlink", json={"login": "ben"}),
            client.post("/v1/people/unlink/approve", json={"login": "ben"}),
        ):
            problem(answer, 403)
    assert log(house.stores) == []

"""The cluster's API as plain JSON: one connection, few verbs, errors of ours.

Typed models of the client library cost ten times the time of json.loads on large lists, and they drop fields that
they do not know; a gatekeeper must see what it does not know.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import urllib3
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from gatekeeper.domain.errors import Conflict, GatekeeperError, InvalidInput, NotFound, Unavailable

Json = dict[str, Any]
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
TIMEOUT_S = 10
# A watch is closed and taken up again after this time, so that a dead connection is noticed.
WATCH_S = 300
PAGE_ITEMS = 500
# A page above this is asked for again in fewer items: any tenant can make five hundred objects of the largest size.
PAGE_BYTES_MAX = 16 * 2**20
# One watch line holds one object. etcd takes none above 1.5 MiB by default, and JSON writes a byte such as "<" in six.
LINE_BYTES_MAX = 32 * 2**20


class Expired(GatekeeperError):
    """The resource version is too old to watch from (HTTP 410): list again."""


def connect(kubeconfig: str | None) -> client.ApiClient:
    """A client from a kubeconfig file, or from the pod's own service account where none is named.

    Raises:
        InvalidInput: neither is to be had.
    """
    try:
        if kubeconfig:
            found: client.ApiClient = config.new_client_from_config(config_file=kubeconfig)
            return found
        config.load_incluster_config()
        return client.ApiClient()
    except config.ConfigException as error:
        reason = str(error).rstrip(".")
        raise InvalidInput(
            f"No way to the cluster: {reason}.", hint="Set kubernetes.kubeconfig, or run inside the cluster."
        ) from error


class Api:
    """Verbs on paths such as /api/v1/namespaces/team-a/pods/p."""

    def __init__(self, api_client: client.ApiClient) -> None:
        self._client = api_client

    def get(self, path: str, **query: str) -> Json:
        """One object."""
        return self._json("GET", path, query=query)

    def create(self, path: str, body: Json) -> Json:
        """Create an object in a collection."""
        return self._json("POST", path, body=body)

    def json_patch(self, path: str, operations: list[Json]) -> Json:
        """Apply a JSON patch; a failed `test` operation is a Conflict."""
        return self._json("PATCH", path, body=operations, content_type=JSON_PATCH)

    def merge_patch(self, path: str, body: Json) -> Json:
        """Apply a merge patch."""
        return self._json("PATCH", path, body=body, content_type=MERGE_PATCH)

    def delete(self, path: str, body: Json | None = None) -> None:
        """Delete an object; one that is gone already is fine."""
        try:
            self._json("DELETE", path, body=body)
        except NotFound:
            return

    def list_all(self, path: str, **selectors: str) -> tuple[list[Json], str]:
        """All items of a collection, and the resource version to watch from."""
        items, version = list[Json](), ""
        for page, version in self.pages(path, **selectors):  # noqa: B007 - that of the last page counts
            items += page
        return items, version

    def pages(self, path: str, **selectors: str) -> Iterator[tuple[list[Json], str]]:
        """The items of a collection page by page, each with the resource version to watch from: who keeps little of
        each item needs memory for one page only."""
        limit, onward = PAGE_ITEMS, dict[str, str]()
        while True:
            page = self._page(path, {"limit": str(limit), **onward, **selectors}, alone=limit == 1)
            if page is None:
                limit = max(1, limit // 8)
                continue
            yield page.get("items") or [], page["metadata"]["resourceVersion"]
            if not page["metadata"].get("continue"):
                return
            limit, onward = min(PAGE_ITEMS, limit * 2), {"continue": page["metadata"]["continue"]}

    def watch(self, path: str, resource_version: str) -> Iterator[Json]:
        """Events after a resource version until the server ends the watch.

        Raises:
            Expired: the version is gone. Unavailable: the connection broke.
        """
        query = {
            "watch": "1",
            "resourceVersion": resource_version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_S),
        }
        response = self._call("GET", path, query=query, timeout=(TIMEOUT_S, WATCH_S + TIMEOUT_S))
        try:
            yield from _events(response)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"The watch on {path} broke: {error}.") from error
        finally:
            response.close()

    def _page(self, path: str, query: Mapping[str, str], *, alone: bool) -> Json | None:
        """One page; None where it is too large to be read at once, unless it holds one item alone."""
        response = self._call("GET", path, query=query)
        body, most = bytearray(), LINE_BYTES_MAX if alone else PAGE_BYTES_MAX
        try:
            for chunk in response.stream(2**16, decode_content=True):
                body += chunk
                if len(body) > most:
                    if alone:
                        raise Unavailable(f"GET {path}: one object is larger than any can be.")
                    return None
            page: Json = json.loads(body)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise Unavailable(f"The answer to GET {path} broke off: {error}.") from error
        finally:
            response.close()
        return page

    def _json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
    ) -> Json:
        response = self._call(method, path, query=query, body=body, content_type=content_type)
        try:
            loaded: Json = json.loads(response.data)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            raise Unavailable(f"The answer to {method} {path} broke off: {error}.") from error
        return loaded

    def _call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = "application/json",
        timeout: float | tuple[float, float] = TIMEOUT_S,
    ) -> urllib3.HTTPResponse:
        headers = {"Accept": "application/json", "Content-Type": content_type, "User-Agent": "compute-gatekeeper"}
        url = f"{self._client.configuration.host}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            self._client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
            rest = self._client.call_api(method, url, headers, body, _request_timeout=timeout)
        except (ApiException, urllib3.exceptions.HTTPError, OSError) as error:
            raise Unavailable(f"The API server does not answer {method} {path}: {error}.") from error
        response: urllib3.HTTPResponse = rest.response
        if not 200 <= response.status < 300:
            raise _ours(response.status, f"{method} {path}", response.data)
        return response


def pod_path(namespace: str, name: str) -> str:
    """Path of a pod."""
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/pods/{quote(name, safe='')}"


def _events(response: urllib3.HTTPResponse) -> Iterator[Json]:
    rest = bytearray()
    for chunk in response.stream(2**16, decode_content=True):
        rest += chunk
        if len(rest) > LINE_BYTES_MAX:
            raise Unavailable("A watch event is larger than any object can be.")
        if b"\n" not in chunk:
            continue  # to look through all of a large event again at each chunk would cost the square of its size
        *lines, rest = rest.split(b"\n")
        for line in lines:
            event: Json = json.loads(line)
            if event["type"] == "ERROR":
                raise _ours(int(event["object"].get("code") or 500), "watch", json.dumps(event["object"]))
            yield event


def _ours(status: int, what: str, body: bytes | str) -> GatekeeperError:
    """An error of ours for an HTTP status of the API server."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    # Not every answer is a Status object: a proxy or an aggregated server may have written it.
    with contextlib.suppress(ValueError, AttributeError):
        text = json.loads(text).get("message") or text
    message = f"{what}: HTTP {status}: {text[:500]}"
    kinds: dict[int, type[GatekeeperError]] = {404: NotFound, 409: Conflict, 410: Expired, 422: Conflict}
    if status in kinds:
        return kinds[status](message)
    return Unavailable(message) if status >= 500 or status == 429 else InvalidInput(message)

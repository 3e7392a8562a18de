"""Namespaces over HTTP: whose each is, and to bind, renew and unbind one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from gatekeeper.api.asking import Answer, Asked, Reading, Writing, tag_of
from gatekeeper.api.pages import LIMIT_DEFAULT, Cursor, Limit, page
from gatekeeper.api.shapes import Because
from gatekeeper.api.work_shapes import Bind, NamespaceShown, NamespacesShown, NamespaceWaits
from gatekeeper.domain.errors import NotFound
from gatekeeper.ports import Reader
from gatekeeper.registry import Registry

router = APIRouter(tags=["namespaces"])
Namespace = Annotated[str, Path(max_length=63, description="Name of a namespace of this cluster.")]


@router.get("/namespaces", response_model=NamespacesShown)
def list_namespaces(
    asked: Reading,
    customer: Annotated[str, Query(max_length=63)] = "",
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
) -> NamespacesShown:
    """List the namespaces of this cluster that belong to a customer, or wait to, by name."""

    def work(_: Registry, reader: Reader) -> NamespacesShown:
        cluster = asked.office.cluster
        bound = [*reader.bindings(), *(each.wanted for each in reader.proposed_bindings())]
        wanted = [each for each in bound if each.cluster == cluster and customer in ("", each.customer_id)]
        names = sorted({each.namespace for each in wanted})
        filters = {"customer": customer} if customer else {}
        items, following = page(names, lambda each: each, limit=limit, cursor=cursor, path=asked.path, asked=filters)
        return NamespacesShown(items=[_shown(asked, reader, each) for each in items], next=following)

    return asked.read(work)


@router.get("/namespaces/{namespace}", response_model=NamespaceShown)
def show_namespace(namespace: Namespace, asked: Reading) -> Response:
    """Whose a namespace is, and what waits for a second person."""
    answer = asked.read(lambda _, reader: _looked_at(asked, reader, namespace))
    return answer.response()


@router.put("/namespaces/{namespace}", response_model=NamespaceShown, openapi_extra={"x-body": "Bind"})
def bind_namespace(namespace: Namespace, asked: Writing) -> Response:
    """Bind a namespace to a customer, and its work to a run. If-Match may be left out."""
    said = asked.body.check(Bind)

    def work(registry: Registry, reader: Reader) -> Answer:
        if asked.if_match:  # there may be nothing yet to look at
            asked.check_match(_looked_at(asked, reader, namespace).etag)
        registry.bind(namespace, said.customer, by=asked.caller, run_id=said.run)
        return _looked_at(asked, reader, namespace)

    return asked.act(work)


@router.post("/namespaces/{namespace}/approve", response_model=NamespaceShown)
def approve_namespace(namespace: Namespace, asked: Writing) -> Response:
    """Approve exactly the binding that waits and If-Match names."""

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(_looked_at(asked, reader, namespace).etag)
        waits = reader.proposed_binding(asked.office.cluster, namespace)
        registry.approve_binding(namespace, by=asked.caller, seen=waits)
        return _looked_at(asked, reader, namespace)

    return asked.act(work)


@router.post("/namespaces/{namespace}/renew", response_model=NamespaceShown)
def renew_namespace(namespace: Namespace, asked: Writing) -> Response:
    """Propose to bind a namespace that was deleted and made anew as it was bound before. If-Match may be left out."""

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(_looked_at(asked, reader, namespace).etag, owed=False)
        registry.renew_binding(namespace, by=asked.caller)
        return _looked_at(asked, reader, namespace)

    return asked.act(work)


@router.post("/namespaces/{namespace}/reject", response_model=NamespaceShown)
def reject_namespace(namespace: Namespace, asked: Writing) -> Response:
    """Drop the binding that waits; what holds stays. If-Match may be left out."""

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(_looked_at(asked, reader, namespace).etag, owed=False)
        registry.reject_binding(namespace, by=asked.caller)
        return Answer(_shown(asked, reader, namespace))

    return asked.act(work)


@router.post("/namespaces/{namespace}/unbind", response_model=NamespaceShown, openapi_extra={"x-body": "Because"})
def unbind_namespace(namespace: Namespace, asked: Writing) -> Response:
    """Take a namespace from its customer at once: nothing starts there, and what runs is stopped. If-Match may be
    left out."""
    said = asked.body.check(Because)

    def work(registry: Registry, reader: Reader) -> Answer:
        asked.check_match(_looked_at(asked, reader, namespace).etag, owed=False)
        registry.unbind(namespace, by=asked.caller, reason=said.reason)
        return Answer(_shown(asked, reader, namespace))

    return asked.act(work)


def _looked_at(asked: Asked, reader: Reader, namespace: str) -> Answer:
    shown = _shown(asked, reader, namespace)
    if shown.customer is None and shown.waits is None:
        raise NotFound(f"Namespace {namespace!r:.80} belongs to no customer, and nothing waits for it.")
    waits = reader.proposed_binding(asked.office.cluster, namespace)
    return Answer(shown, etag=tag_of(reader.binding(asked.office.cluster, namespace), waits))


def _shown(asked: Asked, reader: Reader, namespace: str) -> NamespaceShown:
    cluster = asked.office.cluster
    bound, proposed = reader.binding(cluster, namespace), reader.proposed_binding(cluster, namespace)
    waits = None
    if proposed is not None:
        wanted = proposed.wanted
        waits = NamespaceWaits(customer=wanted.customer_id, run=wanted.run_id, proposed_by=proposed.proposed_by)
    return NamespaceShown(
        cluster=cluster,
        namespace=namespace,
        customer=bound.customer_id if bound else None,
        run=bound.run_id if bound else None,
        holds=bound is not None and bound.holds,
        waits=waits,
    )

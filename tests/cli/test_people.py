"""Who acts in a command: a name that is believed where nobody has a token, and after that whoever the token is of."""

from __future__ import annotations

import ast
import inspect
import io
import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gatekeeper import cli
from gatekeeper.cli.tokens import keep, kept_file
from gatekeeper.registry import Registry
from tests.databases import new_stores

FOLDER = Path(cli.__file__).parent
EXAMPLES = Path(__file__).parents[2] / "examples"


class Desk:
    """Commands over one data folder, and what they answered."""

    def __init__(self, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.data, self._monkeypatch, self._capsys = data, monkeypatch, capsys
        self.err = ""

    def run(self, *words: str, token: str | None = None, code: int = 0) -> str:
        with self._monkeypatch.context() as patch:
            if token is not None:
                patch.setenv("COMPUTE_GATEKEEPER_TOKEN", token)
            found = cli.run([*words, "--data", str(self.data)])
        out, self.err = self._capsys.readouterr()
        assert found == code, self.err
        return out.strip()

    def own(self, handed: str) -> str:
        """A token of the user's own for one that somebody else made."""
        return self.run("user", "rotate", token=handed)

    def log(self) -> list[dict[str, object]]:
        with new_stores(self.data / "gatekeeper.db") as stores:
            return [json.loads(leaf) for leaf in stores.read(lambda reader: list(reader.leaves()))]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    for variable in ("TOKEN", "TOKEN_FILE", "PERSON", "CONFIG"):
        monkeypatch.delenv(f"COMPUTE_GATEKEEPER_{variable}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    yield Desk(tmp_path / "data", monkeypatch, capsys)
    cli.run(["--version"])  # forgets a token file of this test


@pytest.fixture
def root(desk: Desk) -> str:
    """The token of the first user."""
    return desk.run("user", "add", "root", "--role", "policy-admin")


def suspend(desk: Desk, *more: str, token: str | None = None, code: int = 0) -> None:
    desk.run("customer", "suspend", "nobody", "--reason", "test", *more, token=token, code=code)


def test_without_users_a_name_is_believed_and_the_record_says_so(desk: Desk) -> None:
    desk.run("customer", "apply", "-f", str(EXAMPLES / "customers"), "--as", "ana")
    assert {json.dumps(each["actor"], sort_keys=True) for each in desk.log()} == {
        '{"auth": "claimed", "kind": "person", "name": "ana"}'
    }


def test_without_users_a_token_is_refused_and_not_ignored(desk: Desk) -> None:
    desk.run("customer", "apply", "-f", str(EXAMPLES / "customers"), "--as", "ana", token="cgk_x", code=2)
    assert "There are no users" in desk.err


def test_with_users_a_command_that_writes_needs_a_token(desk: Desk, root: str) -> None:
    suspend(desk, "--as", "root", code=2)
    assert "shows a token" in desk.err
    assert "gatekeeper login" in desk.err
    suspend(desk, token=root, code=2)
    assert "There is no customer" in desk.err


def test_a_token_is_of_one_name_alone(desk: Desk, root: str) -> None:
    suspend(desk, "--as", "ana", token=root, code=2)
    assert "belongs to root" in desk.err
    suspend(desk, "--as", "ROOT", token=root, code=2)
    assert "There is no customer" in desk.err


@pytest.mark.parametrize("change", [lambda token: token[:-1], lambda token: token[:9] + "AAA" + token[12:], str.upper])
def test_a_token_that_is_not_whole_is_nobodys(desk: Desk, root: str, change: Callable[[str], str]) -> None:
    suspend(desk, token=change(root), code=2)
    assert root not in desk.err


def test_no_part_of_a_token_is_stored_or_logged(desk: Desk, root: str) -> None:
    stored = b"".join(each.read_bytes() for each in desk.data.iterdir())
    assert root[4:20].encode() not in stored
    assert "token_sha256" not in json.dumps(desk.log())


def test_a_role_is_what_one_may_do(desk: Desk, root: str) -> None:
    viewer = desk.own(desk.run("user", "add", "vera", "--role", "viewer", token=root))
    suspend(desk, token=viewer, code=2)
    assert "vera may not suspend anybody or make anything stricter" in desk.err
    desk.run("user", "add", "eve", "--role", "viewer", token=viewer, code=2)
    assert "policy-admin" in desk.err


def test_a_token_that_somebody_else_made_is_good_for_one_of_its_own_alone(desk: Desk, root: str) -> None:
    handed = desk.run("user", "add", "ed", "--role", "kyc-editor", token=root)
    suspend(desk, token=handed, code=2)
    assert "gatekeeper login" in desk.err
    own = desk.own(handed)
    suspend(desk, token=own, code=2)
    assert "There is no customer" in desk.err
    desk.run("user", "rotate", token=handed, code=2)
    assert "nobody's" in desk.err


def test_no_token_at_all_is_no_part_of_one(desk: Desk, root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    desk.run("login", code=2)
    assert "There is no token." in desk.err
    assert "part" not in desk.err


@pytest.mark.parametrize("how", [(), ("--draft",)])
def test_a_token_begins_no_data_and_is_told_of_the_folder_that_was_asked_for(desk: Desk, how: tuple[str, ...]) -> None:
    desk.run("customer", "apply", "-f", str(EXAMPLES / "customers"), *how, token="cgk_somebody", code=2)
    assert f"There are no users in {desk.data}" in desk.err
    assert not desk.data.exists()


def test_login_keeps_a_token_of_ones_own_for_nobody_else_to_read(
    desk: Desk, root: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    handed = desk.run("user", "add", "ed", "--role", "kyc-editor", token=root)
    (tmp_path / "typed").write_text(handed + "\n")
    with (tmp_path / "typed").open() as typed:
        monkeypatch.setattr("sys.stdin", typed)
        desk.run("login")
    kept = kept_file()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert kept.read_text().strip() != handed
    suspend(desk, code=2)
    assert "There is no customer" in desk.err
    kept.chmod(0o640)
    suspend(desk, code=2)
    assert "chmod 600" in desk.err


def test_a_token_file_is_named_before_the_command(desk: Desk, root: str, tmp_path: Path) -> None:
    file = tmp_path / "mine"
    file.write_text(root)
    file.chmod(0o600)
    desk.run("--token-file", str(file), "user", "add", "ana", "--role", "viewer")
    assert [each["user"] for each in json.loads(desk.run("user", "list", "-o", "json"))] == ["ana", "root"]


def test_a_token_comes_on_stdin_before_the_file_that_the_command_reads(
    desk: Desk, root: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ed = desk.own(desk.run("user", "add", "ed", "--role", "kyc-editor", token=root))
    sent = tmp_path / "sent"
    sent.write_text(f"{ed}\n" + (EXAMPLES / "customers" / "bharat-models.yaml").read_text())
    with sent.open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        desk.run("--token-file", "-", "customer", "apply", "-f", "-")
    assert desk.log()[-1]["actor"] == {"auth": "local", "kind": "person", "name": "ed"}


def test_who_rotates_the_kept_token_goes_on_with_the_new_one(desk: Desk, root: str) -> None:
    keep(root)
    new = desk.run("user", "rotate")
    assert kept_file().read_text().strip() == new
    suspend(desk, code=2)
    assert "There is no customer" in desk.err


def test_who_is_disabled_is_out_at_once(desk: Desk, root: str) -> None:
    ed = desk.own(desk.run("user", "add", "ed", "--role", "kyc-editor", token=root))
    desk.run("user", "disable", "ED", token=root)
    suspend(desk, token=ed, code=2)
    assert "nobody's" in desk.err


def test_a_second_spelling_of_a_user_is_refused(desk: Desk, root: str) -> None:
    desk.run("user", "add", "Ro ot", "--role", "viewer", token=root, code=2)
    assert "is the user root" in desk.err
    desk.run("user", "add", "r\u043eot", "--role", "viewer", token=root, code=2)  # a Cyrillic o
    assert "cannot be the name" in desk.err


def test_two_admins_give_a_second_hand_together(desk: Desk, root: str) -> None:
    ben = desk.own(desk.run("user", "add", "ben", "--role", "policy-admin", token=root))
    ana = desk.own(desk.run("user", "add", "ana", "--role", "kyc-approver", "--role", "viewer", token=root))
    row = next(each for each in json.loads(desk.run("user", "list", "-o", "json")) if each["user"] == "ana")
    assert (row["roles"], row["waits"], row["asked_by"]) == ("viewer", "kyc-approver", "root")
    desk.run("user", "approve", "ana", "--yes", token=root, code=2)
    assert "asked to give" in desk.err
    desk.run("user", "approve", "ana", "--yes", token=ana, code=2)
    desk.run("user", "approve", "ana", "--yes", token=ben)
    assert "kyc-approver, viewer" in desk.err


def test_one_human_with_two_names_is_one_pair_of_eyes(desk: Desk, root: str) -> None:
    ben = desk.own(desk.run("user", "add", "ben", "--role", "policy-admin", token=root))
    robot = "system:serviceaccount:kyc:ana"
    assert desk.run("user", "people").startswith("Nobody has several logins")
    assert desk.run("user", "link", "ana", robot, token=root) == f"one person: ana, {robot}"
    desk.run("user", "unlink", robot, token=root)
    row = {"logins": f"ana, {robot}", "waits": robot, "asked_by": "root"}
    assert json.loads(desk.run("user", "people", "-o", "json")) == [row]
    desk.run("user", "approve-unlink", robot, "--yes", token=root, code=2)
    assert "asked to unlink" in desk.err
    desk.run("user", "approve-unlink", robot, "--yes", token=ben)
    assert desk.run("user", "people").startswith("Nobody has several logins")
    assert [each["type"] for each in desk.log()][-3:] == ["login.linked", "login.unlink_asked", "login.unlinked"]


def test_a_link_that_leaves_too_few_to_approve_warns(desk: Desk, root: str) -> None:
    ben = desk.own(desk.run("user", "add", "ben", "--role", "policy-admin", token=root))
    desk.run("user", "add", "eva", "--role", "kyc-editor", token=ben)
    desk.run("user", "link", "eva", "elsewhere#s-1", token=root)
    assert "is left" not in desk.err
    desk.run("user", "link", "root", "ben", token=root)
    assert "1 person is left with the role policy-admin, and 2 are needed" in desk.err
    assert "kyc-approver" not in desk.err  # there was none before


def test_reading_needs_no_token_as_who_holds_the_database_can_read_it(desk: Desk, root: str) -> None:
    assert desk.run("customer", "list")


# -- every command ----------------------------------------------------------------------------------------------------

ACTS = {
    name
    for name, method in inspect.getmembers(Registry, inspect.isfunction)
    if not name.startswith("_") and "by" in inspect.signature(method).parameters
}
# Calls that give a caller: everything else might be a bare name.
GIVES = {"caller_of", "claimed_caller", "looked"}


def calls() -> Iterator[tuple[str, ast.Call, ast.FunctionDef]]:
    for path in sorted(FOLDER.rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                        yield f"{path.name}:{node.lineno}", node, function


def is_caller(value: ast.expr, function: ast.FunctionDef) -> bool:
    if isinstance(value, ast.Call):
        return isinstance(value.func, ast.Name) and value.func.id in GIVES
    if isinstance(value, ast.Attribute):  # known_user(wiring).caller
        return value.attr == "caller"
    if not isinstance(value, ast.Name):
        return False
    parameters = {each.arg: each.annotation for each in (*function.args.args, *function.args.kwonlyargs)}
    if value.id in parameters:
        return "Caller" in ast.unparse(parameters[value.id] or ast.Constant(None))
    given = list(assigned(value.id, function))
    return bool(given) and all(isinstance(each, ast.Call) and ast.unparse(each.func) in GIVES for each in given)


def assigned(name: str, function: ast.FunctionDef) -> Iterator[ast.expr]:
    """What a function gives a name, alone or as one of several; of `looked` that is the first of two alone."""
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from (value for each, value in pairs(target, node.value) if ast.unparse(each) == name)


def pairs(target: ast.expr, value: ast.expr) -> list[tuple[ast.expr, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return list(zip(target.elts, value.elts, strict=True))
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Call) and ast.unparse(value.func) == "looked":
        return [(target.elts[0], value)]
    return [(target, value)]


def test_every_command_that_writes_says_who_as_a_caller() -> None:
    found = [(place, node, function) for place, node, function in calls() if node.func.attr in ACTS]  # type: ignore[attr-defined]
    acts = {(node.func.attr, keyword.arg) for _, node, _ in found for keyword in node.keywords}  # type: ignore[attr-defined]
    assert {name for name, given in acts if given == "by"} >= {"bind", "suspend", "declare_run", "add_user"}
    bare = [
        f"{place} {ast.unparse(node)[:80]}"
        for place, node, function in found
        for keyword in node.keywords
        if keyword.arg == "by" and not is_caller(keyword.value, function)
    ]
    assert bare == []


def test_no_command_makes_a_claimed_caller_or_an_actor_by_itself() -> None:
    made = [
        f"{path.name}:{node.lineno}"
        for path in sorted(FOLDER.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Caller.claimed", "Caller", "Actor", "person")
    ]
    assert [each.partition(":")[0] for each in made] == ["options.py"]


def typed_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text + "\n"))


def test_login_never_keeps_a_token_that_was_printed_not_even_the_first_user_s(
    desk: Desk, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed_in(monkeypatch, root)
    assert f"token kept at {kept_file()}" in desk.run("login")
    assert "It is a new one" in desk.err
    kept = kept_file().read_text().strip()
    assert kept != root
    desk.run("user", "add", "ben", "--role", "viewer")
    desk.run("user", "add", "eva", "--role", "viewer", token=root, code=2)
    assert "This token is nobody's" in desk.err
    typed_in(monkeypatch, kept)  # one's own stays: another machine has it too
    desk.run("login")
    assert kept_file().read_text().strip() == kept


def test_a_token_of_another_folder_is_refused_with_the_file_that_it_is_in(
    desk: Desk, root: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed_in(monkeypatch, root)
    desk.run("login")
    other = Desk(tmp_path / "other", monkeypatch, desk._capsys)
    other.run("customer", "apply", "-f", str(EXAMPLES / "customers"), "--as", "ana", code=2)
    assert str(kept_file()) in other.err
    assert "gatekeeper logout" in other.err
    assert cli.run(["logout"]) == 0
    assert not kept_file().exists()
    assert cli.run(["logout"]) == 0
    assert "no token was kept" in desk._capsys.readouterr().out
    other.run("customer", "apply", "-f", str(EXAMPLES / "customers"), "--as", "ana")


@pytest.mark.parametrize("words", [("disable", "root"), ("roles", "root", "--role", "viewer")])
def test_the_last_policy_admin_is_asked_for_and_told_the_way_back(
    desk: Desk, root: str, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    typed_in(monkeypatch, "n")
    desk.run("user", *words, token=root, code=2)
    assert "last user who is a policy-admin" in desk.err
    assert "--bootstrap" in desk.err
    desk.run("user", *words, "--yes", token=root)
    if words[0] == "disable":
        desk.run("user", "add", "eva", "--role", "viewer", token=root, code=2)
        assert "gatekeeper user add NAME --role policy-admin --bootstrap" in desk.err
    desk.run("user", "add", "eva", "--role", "policy-admin", "--bootstrap")


def test_one_of_two_policy_admins_is_disabled_without_a_question(desk: Desk, root: str) -> None:
    desk.run("user", "add", "ben", "--role", "policy-admin", token=root)
    desk.run("user", "disable", "root", token=root)


def test_a_link_with_a_name_that_nobody_has_is_warned_of(desk: Desk, root: str) -> None:
    desk.run("user", "add", "anabel", "--role", "kyc-editor", token=root)
    assert "one person: anabel, root" in desk.run("user", "link", "root", "anabel", token=root)
    assert "Nobody by" not in desk.err
    desk.run("user", "link", "root", "nosuch#x", token=root)
    assert "Nobody by the name nosuch#x is a user here" in desk.err
    assert "Did you mean" not in desk.err
    desk.run("user", "link", "root", "anabell", token=root)
    assert "Did you mean anabel?" in desk.err

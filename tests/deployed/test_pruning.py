"""What the build leaves of botocore's data: the clients of our services, and the same addresses and signatures everywhere."""

import contextlib
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import pytest
from botocore.loaders import Loader

from tests.deployed.sources import ROOT
from tests.thorough import share_of

LAYER = ROOT / "layers/dependencies"
SERVICES = re.findall(r"^MODELS := (.*)$", (LAYER / "Makefile").read_text(), re.MULTILINE)[0].split()
DATA = Path(botocore.__file__).parent / "data"
CALLS: dict[str, Callable[[Any, str], Any]] = {
    "dynamodb": lambda client, _: client.get_item(TableName="payments", Key={"out_trade_no": {"S": "WX1"}}),
    "secretsmanager": lambda client, _: client.get_secret_value(SecretId="signing"),
    "events": lambda client, _: client.put_events(Entries=[{"Detail": "{}"}]),
    "sqs": lambda client, region: client.send_message_batch(
        QueueUrl=f"https://sqs.{region}.amazonaws.com/123456789012/settle",
        Entries=[{"Id": "1", "MessageBody": "{}"}],
    ),
    "s3": lambda client, _: client.put_object(Bucket="unpublished", Key="2030/1", Body=b"{}"),
    "apigatewaymanagementapi": lambda client, _: client.post_to_connection(ConnectionId="L0=", Data=b"{}"),
}


@cache
def regions() -> list[str]:
    session = botocore.session.get_session()
    return sorted(
        {
            region
            for partition in session.get_available_partitions()
            for region in session.get_available_regions("dynamodb", partition)
        }
    )


@pytest.fixture(scope="module")
def pruned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """botocore's data as the layer has it."""
    data = tmp_path_factory.mktemp("layer") / "data"
    data.mkdir()
    for entry in DATA.iterdir():
        if entry.is_file():
            shutil.copy(entry, data)
        elif entry.name in (*SERVICES, "sts"):
            shutil.copytree(entry, data / entry.name)
    subprocess.run([sys.executable, LAYER / "prune.py", data, *SERVICES], check=True, timeout=60)
    return data


class _Seen(Exception):  # noqa: N818  nothing is wrong: the request is not to go out
    pass


def addressed(session: Any, service: str, region: str) -> tuple[str, str]:
    """Where a call goes, and for which region and service it is signed."""
    client = session.create_client(service, region, aws_access_key_id="key", aws_secret_access_key="secret")
    seen: list[tuple[str, str]] = []

    def stop(*, request: Any, **_: Any) -> None:
        signed = str(request.headers["Authorization"])
        seen.append((request.url, re.sub(r".*Credential=key/\d+/([^,]+),.*", r"\1", signed)))
        raise _Seen

    client.meta.events.register("before-send", stop)
    with contextlib.suppress(_Seen):
        CALLS[service](client, region)
    return seen[0]


def test_the_services_that_are_called_are_left_and_no_other(pruned: Path) -> None:
    assert {entry.name for entry in pruned.iterdir() if entry.is_dir()} == set(SERVICES) == set(CALLS)
    assert {file.parents[1].name for file in pruned.rglob("endpoint-rule-set-1.json*")} == {"s3"}
    assert (pruned / "endpoints.json").stat().st_size < 100_000


def without_sentences(part: Any) -> Any:
    """A part of a model, whatever it tells people."""
    if isinstance(part, list):
        return [without_sentences(one) for one in part]
    if isinstance(part, dict):
        told = {name for name, one in part.items() if name == "documentation" and isinstance(one, str)}
        return {name: without_sentences(one) for name, one in part.items() if name not in told}
    return part


@pytest.mark.parametrize("service", SERVICES)
def test_a_pruned_service_differs_in_what_is_told_to_people_alone(service: str, pruned: Path) -> None:
    """All its operations, and whatever each takes, answers and fails with."""
    left, whole = (
        Loader(extra_search_paths=[str(data)], include_default_search_paths=False) for data in (pruned, DATA)
    )
    models = [loader.load_service_model(service, "service-2") for loader in (left, whole)]
    assert without_sentences(models[0]) == without_sentences(models[1])
    assert models[0]["operations"].keys() == models[1]["operations"].keys() != set()


def test_no_sentence_is_left_and_nothing_is_packed(pruned: Path) -> None:
    models = sorted(pruned.rglob("service-2.json*"))
    assert {model.parents[1].name for model in models} == set(SERVICES)
    assert {model.suffix for model in models} == {".json"}
    assert not any(re.search('"documentation":"[^"]', model.read_text()) for model in models)


@pytest.mark.parametrize("service", SERVICES)
def test_a_pruned_service_is_addressed_and_signed_for_as_before_in_every_region(
    service: str, pruned: Path
) -> None:
    left, whole = botocore.session.get_session(), botocore.session.get_session()
    left.register_component(
        "data_loader", Loader(extra_search_paths=[str(pruned)], include_default_search_paths=False)
    )
    assert len(regions()) > 30
    for region in share_of(regions(), service, one_in=8):
        assert addressed(left, service, region) == addressed(whole, service, region), region

"""The simulator inside another program: the sandbox, or somebody's own test suite."""

import dataclasses
import json
import time

import pytest

from wechatpay_simulator import Clock, Credentials, CredentialsError, Simulator


def test_it_is_started_once_and_stopped_as_often_as_one_likes(credentials):
    simulator = Simulator(credentials, clock=Clock())
    for url in ("url", "open_platform_url"):
        with pytest.raises(RuntimeError, match="not started"):
            getattr(simulator, url)
    assert simulator.start() == simulator.url
    with pytest.raises(RuntimeError, match="started once"):
        simulator.start()
    simulator.stop()
    simulator.stop()
    with pytest.raises(RuntimeError, match="started once"):
        simulator.start()


def test_two_of_them_know_nothing_of_each_other(credentials, shared_merchant, merchant):
    order = shared_merchant.placed()
    assert shared_merchant.url != merchant.url
    assert merchant.query(order["out_trade_no"]).status == 404


def test_a_mode_that_it_does_not_have_is_a_value_error(credentials):
    with pytest.raises(ValueError, match="there is no mode 'nothing'"):
        Simulator(credentials, clock=Clock(), mode="nothing")


def test_credentials_do_not_show_their_keys(credentials):
    shown = repr(credentials)
    assert credentials.mchid in shown
    for name, value in dataclasses.asdict(credentials).items():
        assert ("key" not in name or name == "wechat_public_key_id") or value not in shown


def test_credentials_are_loaded_as_they_were_created(tmp_path):
    created = Credentials.load_or_create(tmp_path / "c.json")
    assert Credentials.load_or_create(str(tmp_path / "c.json")) == created
    with pytest.raises(CredentialsError):
        Credentials.load_or_create(tmp_path)


def test_an_older_file_gets_the_second_certificates_and_the_other_apps(tmp_path):
    path = tmp_path / "c.json"
    Credentials.load_or_create(path)
    apps = ("appSecret", "miniProgramAppid", "miniProgramSecret", "mobileAppid")
    older = {
        name: value
        for name, value in json.loads(path.read_text()).items()
        if not name.endswith("New") and name not in apps
    }
    path.write_text(json.dumps(older))
    completed = Credentials.load_or_create(path)
    document = json.loads(path.read_text())
    assert older.items() <= document.items()
    assert document["platformSerialNoNew"] == completed.platform_serial_no_new
    assert document["merchantSerialNoNew"] == completed.merchant_serial_no_new
    assert document["miniProgramAppid"] == completed.mini_program_appid
    assert Credentials.load_or_create(path) == completed


def test_a_clock_only_moves_forward():
    clock = Clock()
    clock.advance(100)
    assert abs(clock.time() - time.time() - 100) < 1
    for step in (-1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="zero or more"):
            clock.advance(step)

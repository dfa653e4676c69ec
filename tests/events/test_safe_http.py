"""Where events may be sent: nowhere but the public internet, and to what was checked."""

import socket
import ssl
import time

import pytest
import trustme

from events import addresses, safe_http
from events.addresses import UrlRefused
from foundation.transactions import NetworkInsideTransaction
from tests.events.receiver import answer

PRIVATE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255",  # noqa: S104
    "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1",
    "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::7f00:1",
    "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:7f00:1::", "2001::1", "2001:db8::1", "100::1",
    "fc00::1", "fd12:3456::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "3fff::1",
    "5f00::1", "168.63.129.16",
]  # fmt: skip
PUBLIC = ["93.184.215.14", "8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111"]


@pytest.mark.parametrize("text", PRIVATE)
def test_an_address_that_is_not_everybodys_is_refused(text):
    with pytest.raises(UrlRefused):
        addresses.refuse_unless_public(addresses.literal(text), allowed=[])


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_not(text):
    addresses.refuse_unless_public(addresses.literal(text), allowed=[])


def test_a_network_that_the_settings_allow_is_not_and_no_wider():
    addresses.refuse_unless_public(addresses.literal("10.1.2.3"), allowed=["10.1.0.0/16"])
    with pytest.raises(UrlRefused):
        addresses.refuse_unless_public(addresses.literal("10.2.0.1"), allowed=["10.1.0.0/16"])


def names(monkeypatch, *answers):
    """The look-up of any name gives these addresses; returns the names that were asked for."""
    asked, look_up_literal = [], socket.getaddrinfo

    def look_up(host, port, *more, **options):
        if isinstance(host, str):  # an address already: nobody is asked
            return look_up_literal(host, port, *more, **options)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in answers]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


def post(url, body=b"{}"):
    return safe_http.post(url, body=body, headers={"Content-Type": "application/json"})


@pytest.fixture
def nobody_connects(monkeypatch):
    def refuse(*args, **_options):
        raise AssertionError(f"connected to {args}")

    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.mark.parametrize("private", ["127.0.0.1", "169.254.169.254", "::ffff:10.0.0.1"])
def test_a_name_that_leads_inside_is_not_connected_to(private, monkeypatch, nobody_connects):
    names(monkeypatch, private)

    reply = post("https://innocent.example/")

    assert reply.status is None
    assert "an address on the public internet" in reply.error
    assert private not in reply.error


def test_one_private_answer_among_public_ones_refuses_them_all(monkeypatch, nobody_connects):
    names(monkeypatch, "93.184.215.14", "10.0.0.1")

    assert "an address on the public internet" in post("https://innocent.example/").error


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "127.1", "localhost"])
def test_no_way_of_writing_the_loopback_leads_there(host, nobody_connects):
    assert post(f"https://{host}/").status is None


def test_a_name_server_that_never_answers_does_not_keep_us(monkeypatch, nobody_connects, settings):
    settings.WEBHOOK_SECONDS = 0.3
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: time.sleep(3) or [])
    began = time.monotonic()

    reply = post("https://slow.example/")

    assert (reply.status, reply.error) == (None, "no answer within 0.3 s")
    assert time.monotonic() - began < 2


def test_a_name_that_nobody_has_is_a_failure(monkeypatch, nobody_connects):
    def nobody(*_args, **_options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nobody)

    assert post("https://gone.example/").error == "the name can not be resolved"


def test_the_connection_goes_to_the_address_that_was_checked(
    receiver, monkeypatch
):  # DNS rebinding: the second answer would be another one
    asked = names(monkeypatch, "127.0.0.1")

    reply = post(f"http://shop.example:{receiver.port}/hooks")

    assert (reply.status, asked) == (204, [b"shop.example"])
    assert receiver.heard[0].headers["host"] == f"shop.example:{receiver.port}"


@pytest.mark.parametrize(
    ("answers", "tried"),
    [
        (["2606:4700::1", "2606:4700::2", "8.8.8.8"], ["2606:4700::1", "8.8.8.8"]),
        (["8.8.8.8", "8.8.4.4", "2606:4700::1"], ["8.8.8.8", "2606:4700::1"]),
        (["8.8.8.8", "8.8.4.4", "1.1.1.1"], ["8.8.8.8", "8.8.4.4"]),
        (["8.8.8.8"], ["8.8.8.8"]),
    ],
    ids=str,
)
def test_a_family_of_addresses_that_can_not_be_reached_is_not_all_that_is_tried(
    monkeypatch, answers, tried
):
    connected = []

    def unreachable(address, **_options):
        connected.append(address[0])
        raise OSError

    names(monkeypatch, *answers)
    monkeypatch.setattr(socket, "create_connection", unreachable)

    assert post("https://shop.example/").status is None
    assert connected == tried


def test_no_proxy_is_taken_from_the_environment(receiver, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert post(receiver.url).status == 204


def test_nothing_is_sent_while_a_transaction_is_open(db, receiver):
    with pytest.raises(NetworkInsideTransaction):
        post(receiver.url)
    assert receiver.heard == []


def test_a_redirect_is_told_and_not_followed(receiver):
    receiver.answers = [answer(307, Location=receiver.url)]

    assert post(receiver.url).status == 307
    assert len(receiver.heard) == 1


def test_of_a_long_answer_only_the_beginning_is_kept(receiver):
    receiver.answers = [answer(200, b"x\x00" + b"y" * 1_000_000)]

    reply = post(receiver.url)

    assert len(reply.answer) == safe_http.ANSWER_KEPT
    assert "\x00" not in reply.answer


def drip(handler, piece, pause=0.05):
    """A byte now and then, for as long as anybody listens, ten seconds at most."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            handler.wfile.write(piece)
            handler.wfile.flush()
        except OSError:
            return
        time.sleep(pause)


def test_headers_that_never_end_are_cut_when_the_time_is_up(receiver, settings):
    settings.WEBHOOK_SECONDS = 0.6

    def endless(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        drip(handler, b"x")

    receiver.answers = [endless]
    began = time.monotonic()
    reply = post(receiver.url)

    assert reply.status is None
    assert "no answer within" in reply.error
    assert time.monotonic() - began < 5


def test_a_body_that_never_ends_does_not_keep_us_and_its_status_counts(receiver, settings):
    settings.WEBHOOK_SECONDS = 1.0

    def endless(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        drip(handler, b"x")

    receiver.answers = [endless]
    began = time.monotonic()
    reply = post(receiver.url)

    assert reply.status == 200
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("garbage", [b"", b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n"])
def test_what_is_no_http_is_a_failure_and_no_error_of_ours(receiver, garbage):
    receiver.answers = [lambda handler: handler.wfile.write(garbage)]

    reply = post(receiver.url)

    assert reply.status is None
    assert reply.error


def test_headers_without_number_are_a_failure_and_are_not_kept(receiver):
    many = b"HTTP/1.1 200 OK\r\n" + b"X-More: x\r\n" * 10_000 + b"\r\n"
    receiver.answers = [lambda handler: handler.wfile.write(many)]

    assert post(receiver.url).error == "the request failed: HTTPException"


def test_promises_of_an_answer_without_end_are_cut_when_the_time_is_up(receiver, settings):
    settings.WEBHOOK_SECONDS = 0.6
    receiver.answers = [lambda handler: drip(handler, b"HTTP/1.1 100 Continue\r\n\r\n", pause=0)]
    began = time.monotonic()

    assert "no answer within" in post(receiver.url).error
    assert time.monotonic() - began < 5


def test_nobody_listening_is_a_failure(open_loopback):
    assert post("http://127.0.0.1:9/").error


@pytest.fixture
def tls(receiver, tmp_path):
    """The receiver behind a certificate for shop.example; the file of its authority."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("shop.example").configure_cert(context)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    return str(tmp_path / "authority.pem")


def test_the_certificate_has_to_be_of_the_name_and_of_an_authority_that_is_trusted(
    receiver, tls, settings, monkeypatch
):
    names(monkeypatch, "127.0.0.1")
    assert "certificate" in post(f"https://shop.example:{receiver.port}/").error

    settings.WEBHOOK_CA_FILE = tls

    assert post(f"https://shop.example:{receiver.port}/hooks").status == 204
    assert "certificate" in post(f"https://another.example:{receiver.port}/").error
    assert [heard.path for heard in receiver.heard] == ["/hooks"]


def test_the_authorities_are_read_once_and_not_for_each_request(
    receiver, tls, settings, monkeypatch
):
    made, make = [], ssl.create_default_context
    monkeypatch.setattr(
        ssl, "create_default_context", lambda **options: made.append(1) or make(**options)
    )
    names(monkeypatch, "127.0.0.1")
    settings.WEBHOOK_CA_FILE = tls

    for _ in range(3):
        assert post(f"https://shop.example:{receiver.port}/hooks").status == 204

    assert len(made) == 1

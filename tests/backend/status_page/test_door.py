# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is let in to the status page, on a real server: every address by everyone who must not."""

from __future__ import annotations

import hashlib
import http.client
import json
import socket
import ssl
import stat
import subprocess
import sys
import time
from http.client import HTTPResponse
from pathlib import Path

import paged_server
import psutil
import pytest
import running_server
import synthetic
from lightkiln.server.network import own_address
from lightkiln_shared.address import is_loopback
from paged_server import Paged

ADDRESSES = ("/", "/jobs/{}", "/jobs/{}/picture", "/jobs/{}/cancel", "/page.js", "/nowhere")
PROMISED = {
    "content-security-policy": "default-src 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
}


def ask(
    paged: Paged, path: str, method: str = "GET", cookie: str | None = None, **headers: str
) -> tuple[HTTPResponse, str]:
    """Ask without following anything; `cookie` None: the right one."""
    connection = http.client.HTTPConnection("127.0.0.1", paged.port, timeout=20)
    connection.putrequest(method, path, skip_host="Host" in headers)
    sent = f"{name(paged)}={paged.secret}" if cookie is None else cookie
    for key, value in {"Cookie": sent, **headers}.items():
        connection.putheader(key, value)
    connection.endheaders()
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    return answer, text


def name(paged: Paged) -> str:
    return f"lightkiln-{paged.server.line['server_id']}"


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("who", ["nobody", "a guess", "the owner's token", "the wrong name"])
def test_a_stranger_is_told_nothing(paged: Paged, job_id: str, address: str, who: str) -> None:
    wrong = {
        "nobody": "",
        "a guess": f"{name(paged)}={'x' * len(paged.secret)}",
        "the owner's token": f"{name(paged)}={paged.server.token}",
        "the wrong name": f"lightkiln={paged.secret}",
    }[who]
    path, method = address.format(job_id), "POST" if "cancel" in address else "GET"
    answer, text = ask(paged, path, method, wrong, Origin=paged.address)
    assert answer.status == 403
    assert "attic" not in text
    assert "still life" not in text
    assert not answer.headers.get("set-cookie")


@pytest.mark.parametrize("token", ["", "wrong", "%00", "ä", "x" * 5000])
def test_a_wrong_link_opens_nothing_even_beside_a_right_cookie(paged: Paged, token: str) -> None:
    quoted = token.replace("ä", "%C3%A4")
    for cookie in ("", None):
        answer, _ = ask(paged, f"/?token={quoted}", cookie=cookie)
        assert answer.status == 403
        assert not answer.headers.get("set-cookie")


def test_the_link_becomes_a_cookie_that_only_this_site_sends(paged: Paged) -> None:
    answer, text = ask(paged, f"/?token={paged.secret}", cookie="")
    assert answer.status == 200
    assert paged.secret not in text
    kept, *flags = [part.strip() for part in answer.headers["set-cookie"].split(";")]
    assert {"httponly", "samesite=strict", "path=/"} <= {flag.lower() for flag in flags}
    answer, text = ask(paged, "/", cookie=kept)
    assert answer.status == 200
    assert "attic" in text


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evil@127.0.0.1.x"),
        *("", "[::1", "attic.evil", "127.0.0.1:80:80@evil", "xn--localhost-evil"),
    ],
)
def test_a_name_that_is_not_this_boxs_is_refused(paged: Paged, host: str) -> None:
    for path in ("/", f"/?token={paged.secret}", "/page.css"):
        answer, text = ask(paged, path, Host=host)
        assert answer.status in (400, 421)
        assert "attic" not in text


@pytest.mark.parametrize(
    "host", ["localhost:8000", "127.0.0.1", "[::1]:9", "attic.local", "ATTIC", socket.gethostname()]
)
def test_the_boxs_own_names_hold_on_any_port_for_it_may_be_forwarded(
    paged: Paged, host: str
) -> None:
    assert ask(paged, "/", Host=host)[0].status == 200


def test_every_answer_forbids_what_no_page_needs(paged: Paged, job_id: str) -> None:
    for address in (*ADDRESSES, "/page.css", "/icon.svg", "/?token=wrong"):
        for cookie in ("", None):
            answer, _ = ask(paged, address.format(job_id), cookie=cookie)
            for header, value in PROMISED.items():
                assert value in answer.headers[header]
            assert "unsafe" not in answer.headers["content-security-policy"]
            assert "cache-control" in answer.headers
            assert "uvicorn" not in str(answer.headers)


@pytest.mark.parametrize(
    "path",
    [
        *("/jobs/0123456789abcdef", "/jobs/..%2f..%2fserver.json", "/jobs/%00", "/jobs/x/picture"),
        *("/..%2f..%2fapp.py", "/templates/base.html", "/jobs/" + "a" * 3000),
    ],
)
def test_what_is_not_there_is_not_found(paged: Paged, path: str) -> None:
    assert ask(paged, path)[0].status == 404


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:1"])
def test_no_other_site_can_cancel(paged: Paged, job_id: str, origin: str | None) -> None:
    headers = {} if origin is None else {"Origin": origin}
    answer, _ = ask(paged, f"/jobs/{job_id}/cancel", "POST", **headers)
    assert answer.status == 403
    assert ask(paged, f"/jobs/{job_id}/cancel")[0].status == 405
    assert 'class="state running"' in ask(paged, f"/jobs/{job_id}")[1]


def test_a_page_that_has_not_changed_is_not_sent_again(paged: Paged) -> None:
    for _ in range(20):  # a job is at work: from one second to the next the page does change
        tag = ask(paged, "/")[0].headers["etag"]
        answer, text = ask(paged, "/", **{"If-None-Match": tag})
        if answer.status == 304:
            assert text == ""
            return
    pytest.fail("within a second it is the same page")


def test_many_silent_sockets_take_neither_the_page_nor_the_descriptors(paged: Paged) -> None:
    process = psutil.Process(paged.server.process.pid)
    before = process.num_fds()
    silent = [socket.create_connection(("127.0.0.1", paged.port)) for _ in range(200)]
    try:
        assert ask(paged, "/")[0].status == 200
        deadline = time.monotonic() + 10
        while process.num_fds() > before + 40 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert process.num_fds() <= before + 40
        assert ask(paged, "/")[0].status == 200
    finally:
        for each in silent:
            each.close()


def test_the_secret_is_for_the_owner_and_in_no_log(paged: Paged) -> None:
    data = paged.server.data
    ask(paged, f"/?token={paged.secret}")
    for file in ("page_token", "server.json"):
        assert stat.S_IMODE((data / file).stat().st_mode) == 0o600
    assert paged.secret not in (data.parent / "server.log").read_text()
    assert paged.secret != paged.server.token
    said = subprocess.run(
        [sys.executable, "-m", "lightkiln", "web", "--data", str(data)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == paged.link


def test_the_link_is_printed_without_its_secret_where_it_would_lie_in_a_log(tmp_path: Path) -> None:
    command = (*running_server.COMMAND[:-1], "--web", "--web-port", "0")
    process = subprocess.Popen(
        [*command, "--data", str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    with process, process.stdout:
        line, page = process.stdout.readline(), process.stdout.readline()
        link = json.loads((tmp_path / "data" / "server.json").read_text())["page"]
        process.terminate()
    assert "port" in json.loads(line), "what reads the first line finds what it always found"
    assert link.startswith("http://127.0.0.1:")
    assert link.partition("?")[0] in page
    assert link.partition("=")[2] not in page


HERE = own_address()


@pytest.mark.skipif(is_loopback(HERE), reason="this machine has no address but loopback")
def test_the_page_listens_here_alone(paged: Paged) -> None:
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((HERE, paged.port), timeout=5)


def test_on_the_network_it_speaks_tls_with_the_boxs_certificate(
    tmp_path: Path, synthetic_scene: synthetic.SyntheticScene
) -> None:
    paged = paged_server.start(
        tmp_path / "data", synthetic_scene.folder, "--web-lan", "--web-port", "0"
    )
    try:
        assert paged.link.startswith("https://")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(HERE, paged.port, context=context, timeout=20)
        connection.request("GET", f"/?token={paged.secret}")
        answer = connection.getresponse()
        answer.read()
        assert "secure" in answer.headers["set-cookie"].lower()
        assert connection.sock.version() == "TLSv1.3"
        certificate = connection.sock.getpeercert(binary_form=True)
        connection.close()
        shown = hashlib.sha256(certificate).hexdigest()
        assert shown == paged.server.line["fingerprint"]
        with pytest.raises((OSError, http.client.HTTPException)):
            ask(paged, "/")
    finally:
        paged.server.stop()


SCRIPT = """
import sys
import lightkiln.cli.serve, lightkiln.server.app
assert not {"starlette", "uvicorn", "jinja2"} & set(sys.modules)
sys.modules["uvicorn"] = None
from lightkiln.cli import app
app(["serve", "--web", "--data", sys.argv[1]])
"""


def test_a_server_without_a_page_needs_none_of_its_packages(tmp_path: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "data")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 2
    assert "pip install 'lightkiln[web]'" in said.stderr
    assert "Traceback" not in said.stderr

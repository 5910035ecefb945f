# SPDX-License-Identifier: Apache-2.0
"""A client of the API of the administration page, as a browser would be one."""
import http.client
import json
import re
import ssl
from pathlib import Path
from urllib.parse import urlencode

from .waiting import SECONDS

PREFIX = "/api/v1"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]

    def __repr__(self):
        return f"{self.status} {self.body[:600]!r}"


def events_of(body):
    """The events of a stream: (name, data) each, without signs of life."""
    found = []
    for block in body.decode().split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        name = "".join(line[7:] for line in lines if line.startswith("event: ")) or "message"
        if lines:
            found.append((name, json.loads("\n".join(line[6:] for line in lines if line.startswith("data: ")))))
    return found


class Client:
    """One session: keeps the cookie and what X-Postern-Csrf has to say."""

    def __init__(self, server, host="127.0.0.1", source=None):
        self.host, self.port, self.source = host, server.ports["HTTPS"], source
        self.context = ssl.create_default_context(cafile=str(server.home.certificate))
        self.context.check_hostname = False
        self.token = self.csrf = None
        self.connection = None

    def connect(self):
        return http.client.HTTPSConnection(self.host, self.port, context=self.context, timeout=SECONDS,
                                           source_address=(self.source, 0) if self.source else None)

    def request(self, method, path, body=None, headers=None, query=None, csrf=True):
        """One request; `body` is sent as JSON unless it is bytes."""
        fields = {}
        if self.token:
            fields["Cookie"] = f"__Host-postern={self.token}"
        if csrf and self.csrf and method not in ("GET", "HEAD"):
            fields["X-Postern-Csrf"] = self.csrf
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            fields["Content-Type"] = "application/json"
        fields.update(headers or {})
        target = (path if path.startswith("/api") else PREFIX + path) + (f"?{urlencode(query)}" if query else "")
        connection = self.connect()
        try:
            connection.request(method, target, body=body, headers=fields)
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        self.cookie_take(answer.headers.get("Set-Cookie"))
        return answer

    def cookie_take(self, field):
        found = re.match(r"__Host-postern=([^;]*)", field or "")
        if found:
            self.token = found[1] or None

    def get(self, path, **query):
        return self.request("GET", path, query=query)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body=body, **more)

    def follow(self, method, path, body=None, **more):
        """The events of a route that may be followed."""
        answer = self.request(method, path, body=body, headers={"Accept": "text/event-stream"}, **more)
        assert answer.status == 200 and answer.headers["Content-Type"] == "text/event-stream", answer
        return events_of(answer.body)

    def follow_upload(self, path, mail):
        answer = self.request("POST", path, body=mail, headers={"Accept": "text/event-stream", "Content-Type": "application/mbox"})
        assert answer.status == 200, answer
        return events_of(answer.body)

    def patch(self, path, body=None, **more):
        return self.request("PATCH", path, body=body, **more)

    def delete(self, path, body=None, **more):
        return self.request("DELETE", path, body=body, **more)

    def login(self, account, password, **more):
        answer = self.post("/session", {"account": account, "password": password, **more})
        if answer.status == 200:
            self.csrf = answer.json["csrf"]
        return answer

    def logout(self):
        return self.delete("/session")


def logged_in(server, account, password, **more):
    client = Client(server, **more)
    answer = client.login(account, password)
    assert answer.status == 200, answer
    return client


def commands(server):
    """The processes of commands that run now."""
    [admin] = [role["pid"] for role in server.status()["roles"] if role["name"] == "admin"]
    return Path(f"/proc/{admin}/task/{admin}/children").read_text().split()

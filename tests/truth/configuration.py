# SPDX-License-Identifier: Apache-2.0
"""The mailserver.cfg of a policy of the table, and where in it a variable stands."""
from xml.sax.saxutils import escape

PORTS = {"SMTP": 2525, "Submission": 2587, "SMTPS": 2465, "IMAP": 2143, "IMAPS": 2993, "POP3": 2110,
         "POP3S": 2995, "HTTPS": 4040}
IMPLICIT = ("SMTPS", "IMAPS", "POP3S", "HTTPS")


def variable(name, value):
    # One to a line, so that a line number tells which.
    return f'<variable name="{escape(name)}">{escape(value)}</variable>\n'


def table(name, variables):
    return f'<table name="{name}">\n' + "".join(variable(*item) for item in variables.items()) + "</table>\n"


def service(name, more):
    fixed = {"Name": name, "Enabled": "1", "Addresses": "127.0.0.1", "Port": str(PORTS[name]),
             "Tls": "implicit" if name in IMPLICIT else "starttls"}
    return "<listitem>\n" + "".join(variable(*item) for item in {**fixed, **more}.items()) + "</listitem>\n"


def config_text(policy):
    """Each variable of the policy on a line of its own; all eight services."""
    parts = [table("Server", {"Hostname": "localhost"})]
    parts += [table(name, variables) for name, variables in policy.items() if isinstance(variables, dict)
              and name != "Service"]
    parts += ['<list name="Service">\n']
    parts += [service(name, policy.get("Service", {}).get(name, {})) for name in PORTS]
    return "<config>\n" + "".join(parts) + "</list>\n</config>\n"


def in_force(text, place, name):
    """The line where a variable stands: `place` is a table, or `Service:IMAPS`."""
    is_service = place.startswith("Service:")
    opening = variable("Name", place.removeprefix("Service:")) if is_service else f'<table name="{place}">\n'
    begin = text.find(opening)
    end = text.find("</listitem>" if is_service else "</table>", begin)
    at = text.find(f'<variable name="{name}">', begin, end)
    return text.count("\n", 0, at) + 1 if begin >= 0 and at >= 0 else 0

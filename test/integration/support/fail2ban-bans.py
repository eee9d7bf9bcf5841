"""
Which sources the real fail2ban bans when it reads a mail.log at the speed of its own stamps, by the jails and filters of its package.

    /usr/bin/python3 fail2ban-bans.py FILE

Prints a JSON object: "settings" by jail as it read them, "failures" by jail (lines that its filter took), and "bans": [jail, address, second
since 1970-01-01 UTC of the last failure], in the order in which they were decided.

No service runs, nothing is banned and nothing outside of a temporary directory is written. The classes of its server are used as its
threads use them, but for the clock, which is the log's: a server that runs would take two weeks for two weeks, or ignore old lines.
"""
import json
import logging
import os
import shutil
import sys
import tempfile
import time

sys.path.insert(0, "/usr/lib/python3/dist-packages")

# Stamps have a time zone; this is for what fail2ban prints.
os.environ["TZ"] = "UTC"
time.tzset()

from fail2ban.client.configurator import Configurator
from fail2ban.server.mytime import MyTime
from fail2ban.server.server import Server

# Debian enables none of them by itself, only sshd.
JAILS = ("postfix", "postfix-sasl", "dovecot")
# The thread of FilterPoll cleans up every tenth time that it looks, and looks once a second.
SERVICE_SECONDS = 10

logging.getLogger("fail2ban").setLevel(logging.CRITICAL)


def configured(directory, log):
    """A server with these jails, as `fail2ban-client start` would give it the settings, but for actions and files."""
    config = os.path.join(directory, "fail2ban")
    shutil.copytree("/etc/fail2ban", config)
    for changed in ("jail.local", "fail2ban.local"):
        if os.path.exists(os.path.join(config, changed)):
            os.remove(os.path.join(config, changed))
    shutil.rmtree(os.path.join(config, "jail.d"))
    os.mkdir(os.path.join(config, "jail.d"))
    with open(os.path.join(config, "jail.d", "mail.conf"), "w") as jails:
        for name in JAILS:
            jails.write(f"[{name}]\nenabled = true\nlogpath = {log}\nbackend = polling\n")
    configurator = Configurator()
    configurator.setBaseDir(config)
    configurator.readAll()
    if not configurator.getOptions():
        sys.exit("fail2ban cannot read its configuration")
    configurator.convertToProtocol()
    server = Server()
    transmitter = server._Server__transm
    for command in configurator.getConfigStream():
        if command[0] == "start" or "addlogpath" in command or "addaction" in command or "action" in command:
            continue
        # Settings of the server itself: its log, its database.
        if command[0] in ("set", "multi-set") and command[1] not in JAILS:
            continue
        status, answer = transmitter.proceed(command)
        if status != 0:
            sys.exit(f"fail2ban refuses {command}: {answer}")
    return {name: server._Server__jails[name] for name in JAILS}


def main(log):
    directory = tempfile.mkdtemp(prefix="postern-fail2ban-")
    try:
        jails = configured(directory, log)
    finally:
        shutil.rmtree(directory)
    bans = []
    clock = 0
    served = 0
    with open(log, encoding="utf-8") as lines:
        for line in lines:
            # A clock does not go back, whatever the stamp says.
            clock = max(clock, second_of(jails["postfix"], line))
            MyTime.setTime(clock)
            is_due = clock - served >= SERVICE_SECONDS
            if is_due:
                served = clock
            for name, jail in jails.items():
                if is_due:
                    jail.filter.performSvc(force=True)
                jail.filter.processLineAndAdd(line.rstrip("\n"))
                while True:
                    ticket = jail.getFailTicket()
                    if not ticket:
                        break
                    bans.append((name, str(ticket.getID()), int(ticket.getTime())))
    json.dump(
        {
            "settings": {
                name: {
                    "maxretry": jail.filter.getMaxRetry(),
                    "findtimeS": jail.filter.getFindTime(),
                    "bantimeS": jail.actions.getBanTime(),
                    "expressions": len(jail.filter.getFailRegex()),
                }
                for name, jail in jails.items()
            },
            "failures": {name: jail.filter.failManager.getFailTotal() for name, jail in jails.items()},
            "bans": bans,
        },
        sys.stdout,
    )


def second_of(jail, line):
    """The second of a line, by the reader of fail2ban itself."""
    found = jail.filter.dateDetector.getTime(line)
    return int(found[0]) if found else 0


main(sys.argv[1])

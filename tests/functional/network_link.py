"""A link to an outside network without the daemon: network_driver, the network's own code and the transport."""

import json
import subprocess

import pytest

from node import BUILD

DRIVER = BUILD / "network_driver"


class Failed(Exception):
    def __init__(self, answer):
        super().__init__("%s: %s" % (answer["status"], answer["message"]))
        self.status, self.message = answer["status"], answer["message"]


class Link:
    def __init__(self, network, **options):
        if not DRIVER.exists():
            pytest.skip("no %s: make network_driver" % DRIVER)
        self.process = subprocess.Popen([str(DRIVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self("initialize", network=network, options=options)

    def __call__(self, what, **request):
        """The answer, or Failed."""
        self.process.stdin.write(json.dumps({"do": what, **request}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "network_driver ended with %s at %s" % (self.process.wait(), what)
        answer = json.loads(line)
        if answer["status"] != "ok":
            raise Failed(answer)
        return answer

    def failing(self, what, **request):
        with pytest.raises(Failed) as failure:
            self(what, **request)
        return failure.value

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(20) == 0
        self.process.stdout.close()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A client of the Debug Adapter Protocol, as an editor is one: starts the adapter that the snippet in argv[1] names,
makes its request, and prints where the program stands. Ends with 1, and all messages, when something goes otherwise."""
import json
import subprocess
import sys


class Client:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.number = 0
        self.seen = []

    def send(self, command, **arguments):
        self.number += 1
        body = json.dumps({"seq": self.number, "type": "request", "command": command, "arguments": arguments}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()
        return self.number

    def read(self):
        length = 0
        while line := self.process.stdout.readline().strip():
            name, value = line.split(b":", 1)
            if name.lower() == b"content-length":
                length = int(value)
        if not length:
            self.fail("the adapter has ended")
        message = json.loads(self.process.stdout.read(length))
        self.seen.append(message)
        return message

    def response(self, number):
        """The body of the response to a request, whatever comes before it."""
        while True:
            message = self.read()
            if message["type"] == "response" and message["request_seq"] == number:
                if not message["success"]:
                    self.fail(f"the request failed: {message.get('message')}")
                return message.get("body", {})

    def fail(self, why):
        print(why, *map(json.dumps, self.seen), sep="\n")
        sys.exit(1)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        snippet = json.load(file)
    client = Client([snippet["adapter"]["command"], *snippet["adapter"]["args"]])
    client.response(client.send("initialize", adapterID="gdb", linesStartAt1=True, columnsStartAt1=True))
    request = dict(snippet["request"])
    attached = client.send(request.pop("request"), **request)
    configured = client.send("configurationDone")
    # Which of the two is answered first differs between versions of gdb.
    answered = set()
    while answered != {attached, configured}:
        message = client.read()
        if message["type"] == "response" and message["request_seq"] in (attached, configured):
            if not message["success"]:
                client.fail(f"the request failed: {message.get('message')}")
            answered.add(message["request_seq"])
    thread = client.response(client.send("threads"))["threads"][0]["id"]
    frames = client.response(client.send("stackTrace", threadId=thread))["stackFrames"]
    print(f"stopped in {frames[0]['name']}")
    client.response(client.send("disconnect", terminateDebuggee=False))
    client.process.stdin.close()
    client.process.wait(20)


main()

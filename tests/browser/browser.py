"""A headless Chromium, driven over a pipe by the DevTools protocol. Standard library only.

https://chromedevtools.github.io/devtools-protocol/ has the methods and events named here.
"""

import json
import os
import select
import shutil
import subprocess
import tempfile
import time

# A page of a large mesh under a sanitizer-busy machine takes a few seconds; a minute is a hang.
ANSWER_SECONDS_MAX = 60
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--disable-extensions", "--hide-scrollbars",
    "--remote-debugging-pipe", "about:blank",
]  # fmt: skip


def find_chromium():
    """The browser's path; None if there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


class Browser:
    """One browser with one page. Use as a context: the process and its profile go with it."""

    def __enter__(self):
        self.profile = tempfile.mkdtemp(prefix="kadwire-browser-")
        commands, self.to_browser = os.pipe()
        self.from_browser, answers = os.pipe()
        # Chromium reads descriptor 3 and writes 4; the shell puts ours there.
        script = f'exec "$@" 3<&{commands} 4>&{answers}'
        self.process = subprocess.Popen(
            ["bash", "-c", script, "chromium", find_chromium(),
             f"--user-data-dir={self.profile}", *FLAGS],
            pass_fds=(commands, answers), stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(commands)
        os.close(answers)
        self.buffer = b""
        self.events = []
        self.last_id = 0
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_):
        os.close(self.to_browser)  # the browser ends when its pipe does
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.from_browser)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, **params):
        """Its result; raises RuntimeError with the browser's message, or TimeoutError."""
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next_message()
            if answer.get("id") != self.last_id:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            else:
                return answer["result"]

    def _next_message(self):
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while b"\0" not in self.buffer:
            ready, _, _ = select.select(
                [self.from_browser], [], [], max(0, deadline - time.monotonic())
            )
            if not ready:
                raise TimeoutError("the browser does not answer")
            chunk = os.read(self.from_browser, 1 << 16)
            if not chunk:
                raise RuntimeError("the browser ended")
            self.buffer += chunk
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def evaluate(self, expression):
        """The expression's value in the page, awaited; raises RuntimeError if it throws."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"].get("description"))
        return answer["result"].get("value")

    def show(self, width, height, dark):
        """The window and the colour scheme in which pages are drawn from now on."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=False)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", media="screen", features=[scheme])

    def open(self, path):
        """Opens a file and returns when it is loaded; events of earlier pages are forgotten."""
        self.events.clear()
        self.call("Page.navigate", url=f"file://{path}")
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next_message())
        # Two frames later everything that follows from the layout was drawn.
        self.evaluate("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(r)))")

    def events_of(self, method):
        """The parameters of the events of this name since the page was opened."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def screenshot(self):
        """The whole page as base64 of a PNG."""
        return self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]

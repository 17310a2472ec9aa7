"""The site on a server of this machine, headless Chromium, and a page that is watched."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from common import CHROMIUM
from visiting import DRAWN, drawn, pages, playground


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing."""

    def log_message(self, *arguments):
        """Called for each request."""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The site on a free port of this machine, as any web server shows it."""
    folder = tmp_path_factory.mktemp("site")
    assert playground.fetch_packages() == ""
    pages.make(folder, True)
    assert pages.problems(folder) == []
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def chromium():
    """Headless Chromium."""
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "Chromium is missing: install Debian's package chromium."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, address):
    """visit(hash, language, ...) opens the page, waits for the first drawing, gives it. At the end: no error, no other host."""
    contexts, said, asked = [], [], []

    def open_page(link="", language="en", **settings):
        context = chromium.new_context(**settings)
        contexts.append(context)
        context.set_default_timeout(DRAWN)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        context.on("request", lambda request: asked.append(request.url))
        page.goto(address + playground.PAGES[language] + link)
        drawn(page)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert asked and [url for url in asked if not url.startswith((address, "blob:" + address))] == []

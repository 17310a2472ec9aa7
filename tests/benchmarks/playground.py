"""The playground in headless Chromium: time until the first sprite and for eight, what is loaded, memory.

    python tests/benchmarks/playground.py FOLDER        FOLDER: a site that `python notebooks/pages.py FOLDER` made

Medians of five visits, each with an empty cache, over the loopback. Compressed sizes are gzip's, level 6, as hosts send them.
"""

import gzip
import shutil
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from playwright.sync_api import expect, sync_playwright

VISITS, MOST = 5, 60_000
WAYS = ("few_steps ddim 4", "context_unet dpmpp_2m 10", "context_unet ddim 25")


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing."""

    def log_message(self, *arguments):
        """Called for each request."""


def seconds(page) -> float:
    """Draw, and wait until it is done: the seconds that the page counts."""
    page.click("#draw")
    expect(page.locator("#stage")).to_have_attribute("aria-busy", "true", timeout=MOST)
    expect(page.locator("#stage")).to_have_attribute("aria-busy", "false", timeout=MOST)
    return float(page.inner_text("#done").split("·")[-1].strip().removesuffix(" s"))


def memory() -> float:
    """What the largest process of Chromium that shows a page holds for itself and its share of what is common (PSS), in MB."""
    sizes = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" in (process / "cmdline").read_bytes():
                lines = (process / "smaps_rollup").read_text().splitlines()
                sizes += [int(line.split()[1]) / 1000 for line in lines if line.startswith("Pss:")]
        except (FileNotFoundError, ProcessLookupError):  # it has ended
            pass
    return max(sizes)


def main(folder: Path):
    """See the top of this file."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/playground.html"
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    first, eight, asked, held = [], {way: [] for way in WAYS}, set(), []
    with sync_playwright() as playwright:
        for _ in range(VISITS):
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_context(service_workers="block").new_page()
            page.on("request", lambda request: asked.add(request.url))
            begin = time.perf_counter()
            page.goto(f"{address}#prompt=knight&n=1")
            expect(page.locator("#done")).to_contain_text("·", timeout=MOST)
            first.append(time.perf_counter() - begin)
            page.select_option("#number", "8")
            for way in WAYS:
                page.select_option("#way", way)
                seconds(page)  # loads the network
                eight[way].append(seconds(page))
            held.append(memory())
            browser.close()
    paths = [folder / urlsplit(url).path.lstrip("/") for url in asked if url.startswith(address.rsplit("/", 1)[0])]
    sizes = [path.stat().st_size for path in paths]
    small = [len(gzip.compress(path.read_bytes(), 6)) for path in paths]
    print(f"first sprite {median(first):.2f} s after opening")
    for way, times in eight.items():
        print(f"eight sprites, {way}: {median(times):.2f} s")
    print(f"{len(asked)} requests, {len(asked) - len(paths)} of them to other hosts")
    print(f"memory of the page {median(held):.0f} MB")
    print(f"loaded {sum(sizes) / 1e6:.1f} MB, compressed {sum(small) / 1e6:.1f} MB")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

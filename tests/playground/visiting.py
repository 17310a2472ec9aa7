"""What the tests of the playground share."""

from common import ROOT, load_script

pages = load_script(ROOT / "notebooks" / "pages.py")
playground = pages.playground
DRAWN = 120_000  # milliseconds, on a busy machine
LAST = "async () => [...(await playground).stage.states.at(-1).x]"  # the pictures that the page shows


def drawn(page, words="·"):
    """Wait until a drawing is done."""
    from playwright.sync_api import expect  # not of the tested set: only those who run these tests have it

    expect(page.locator("#done")).to_contain_text(words, timeout=DRAWN)


def draw(page, prompt, words="·"):
    """Write a prompt, draw it, and wait until it is done and these words are said of it."""
    page.fill("#prompt", prompt)
    page.click("#draw")
    drawn(page, words)

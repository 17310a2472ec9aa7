"""The notebooks in a real browser: JupyterLab on this machine, headless Chromium, all cells run, the sliders moved by keys.

    pip install playwright; apt install chromium; pytest -n 0 -m browser -o addopts= tests/test_browser.py

The photographs of each lab lie in pytest's temporary folder (`--basetemp=photos` puts them where you say).
"""

import json
import os
import socket
import subprocess
import sys

import pytest
from common import CHROMIUM, ROOT, load_script

BUILD = load_script(ROOT / "notebooks" / "build.py")
LABS = (*BUILD.NOTEBOOKS, *map(BUILD.named, ("es/L1_Sampling", "es/L3_Context")))  # these two have all kinds of controls
# By language: what the prompt box says of an unknown word, and a word that it knows.
ANSWERS = {"en": ('"xyz" is not a word', "food"), "es": ("“xyz” no es una palabra", "comida")}
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
SETTINGS = {
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # else cells out of view are not in the page
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},  # no network
}
MINUTES = 60_000  # in the milliseconds that Playwright counts in

PANEL = "window.jupyterapp?.shell.currentWidget"
READY = f"""() => {{
    const session = {PANEL}?.context?.sessionContext;
    const kernel = session?.session?.kernel;
    return Boolean(session?.isReady && kernel?.connectionStatus === 'connected' && kernel?.status === 'idle');
}}"""
RUN_ALL = "() => { void window.jupyterapp.commands.execute('notebook:run-all-cells'); }"  # not awaited: it would block the page
ENDED = f"""() => {{
    const cells = {PANEL}.content.widgets.map(cell => cell.model).filter(model => model.type === 'code');
    const failed = cells.some(model => model.toJSON().outputs.some(output => output.output_type === 'error'));
    const idle = {PANEL}.context.sessionContext.session?.kernel?.status === 'idle';
    return failed || (idle && cells.every(model => model.executionCount !== null));
}}"""
ERRORS = f"""() => {PANEL}.content.widgets.map(cell => cell.model)
    .filter(model => model.type === 'code')
    .flatMap(model => model.toJSON().outputs.filter(output => output.output_type === 'error'))
    .map(output => output.ename + ': ' + output.evalue)"""
SHUT_DOWN = f"() => {PANEL}.context.sessionContext.shutdown()"
PICTURES = """() => [...document.querySelectorAll('.jp-Notebook .jp-OutputArea img')].map(img => (
    {width: img.naturalWidth, alt: img.alt, widget: img.classList.contains('widget-image')}))"""

pytestmark = pytest.mark.browser


def file_of(lab):
    """What a notebook is called here: all lie in one folder."""
    return lab.name.replace("/", "_") + ".ipynb"


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory):
    """A JupyterLab on a free port, without a token; yields its address. The labs in it have no outputs yet."""
    folder = tmp_path_factory.mktemp("lab")
    for lab in LABS:
        notebook = json.loads(lab.notebook.read_text(encoding="utf-8"))
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"], cell["execution_count"] = [], None
        (folder / file_of(lab)).write_text(json.dumps(notebook), encoding="utf-8")
    for name, values in SETTINGS.items():
        path = folder / "settings" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [f"--ServerApp.root_dir={folder}", f"--port={port}", "--ServerApp.port_retries=0", "--no-browser", "--allow-root"]
    options += ["--IdentityProvider.token=", "--ServerApp.disable_check_xsrf=True", "--LabApp.expose_app_in_browser=True"]
    options += [f"--LabApp.user_settings_dir={folder / 'settings'}", f"--LabApp.workspaces_dir={folder / 'workspaces'}"]
    with open(folder / "server.log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            stdout=log,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | BUILD.QUICK | {"DIFFUSION_LAB_STRICT": "0"},
        )
        lines = []
        for line in server.stderr:  # until it says that it is up
            lines.append(line)
            if "is running at" in line:
                break
        else:
            pytest.fail("JupyterLab did not start:\n" + "".join(lines[-20:]))
    drain = subprocess.Popen(["cat"], stdin=server.stderr, stdout=subprocess.DEVNULL)  # a full pipe would stop the server
    yield f"http://127.0.0.1:{port}/lab/workspaces"
    server.terminate()
    server.wait(30)
    drain.wait(30)


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium."""
    from playwright.sync_api import sync_playwright

    assert CHROMIUM, "Chromium is missing: install Debian's package chromium."
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield chromium
        chromium.close()


def photograph(page, folder):
    """The whole notebook, screen by screen: what scrolls is the highest box around it."""
    page.evaluate("""() => { const all = [...document.querySelectorAll('.jp-NotebookPanel *')];
        window.scrolls = all.reduce((a, b) => b.scrollHeight - b.clientHeight > a.scrollHeight - a.clientHeight ? b : a); }""")
    for i, top in enumerate(range(0, page.evaluate("window.scrolls.scrollHeight"), 1300)):
        page.evaluate("top => window.scrolls.scrollTo(0, top)", top)
        page.screenshot(path=folder / f"{i:02d}.png")


def try_controls(page, box, unknown, word):
    """Move each slider, write prompts, press each button: the picture must change each time."""
    picture = box.locator("img.widget-image")
    assert box.locator(".widget-label, label").all_inner_texts()  # every control says what it is

    def changes_the_picture(do, *arguments):
        before = picture.get_attribute("src")
        do(*arguments)
        page.wait_for_function(
            "([image, before]) => image.src !== before", arg=[picture.element_handle(), before], timeout=MINUTES
        )

    for handle in box.locator(".noUi-handle").all():
        handle.focus()
        top = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
        for key in ("ArrowLeft", "ArrowRight") if top else ("ArrowRight", "ArrowLeft"):  # away, and back
            changes_the_picture(page.keyboard.press, key)
    for field in box.locator("input[type=text]").all():
        before = picture.get_attribute("src")
        field.fill("xyz")
        field.press("Enter")
        assert unknown in box.locator("[role=alert]").inner_text(timeout=MINUTES)
        assert picture.get_attribute("src") == before
        field.fill(word)
        changes_the_picture(field.press, "Enter")
        assert box.locator("[role=alert]").count() == 0
    for button in box.locator("button").all():
        changes_the_picture(button.click)


@pytest.mark.parametrize("lab", LABS, ids=lambda lab: lab.name)
def test_a_lab_runs_in_the_browser(jupyter, browser, lab, tmp_path):
    page = browser.new_page(viewport={"width": 1200, "height": 1500})
    complaints = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    name = file_of(lab)
    page.goto(f"{jupyter}/{name.removesuffix('.ipynb')}/tree/{name}")  # a workspace of its own: nothing else is opened again
    page.wait_for_function(READY, timeout=2 * MINUTES)
    page.evaluate(RUN_ALL)
    page.wait_for_function(ENDED, timeout=10 * MINUTES, polling=1000)
    assert page.evaluate(ERRORS) == []

    sliders = page.locator(".jp-Notebook .noUi-handle")
    boxes = page.locator(".jp-Notebook .widget-vbox:has(.widget-image)")
    assert boxes.count() == lab.views
    for box in boxes.all():
        try_controls(page, box, *ANSWERS[lab.language])
    assert sliders.count() == lab.sliders

    pictures = page.evaluate(PICTURES)
    assert len(pictures) > 5 and all(picture["width"] > 0 for picture in pictures)
    assert all(picture["alt"] for picture in pictures if not picture["widget"])
    photograph(page, tmp_path)
    assert complaints == []
    page.evaluate(SHUT_DOWN)
    page.close()

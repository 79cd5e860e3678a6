#!/usr/bin/env python3
"""Opens the testnet's sample reports in a real browser, light and dark, wide and narrow.

  report_page_test.py REPORT_PAGES [--keep FOLDER] [unittest's options]

REPORT_PAGES is the program that writes them; --keep leaves them and a picture of each in FOLDER.
Exits with 77 if there is no browser.
"""

import base64
import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True  # the checkout stays clean
from browser import Browser, find_chromium  # noqa: E402

EXIT_SKIPPED = 77
DESKTOP = (1280, 900)
PHONE = (390, 844)
# WCAG 2.1, 1.4.3: text against its background.
CONTRAST_MIN = 4.5

# Each page's sections, and what must be drawn in them.
RUN_SECTIONS = {
    "expectations": "tbody tr", "convergence": "svg path", "times": "svg path.times",
    "map": "canvas", "timeline": "svg circle.event", "traffic": "svg .bar rect",
    "drops": "svg .bar rect", "nodes": "tbody tr",
}  # fmt: skip
SECTIONS = {
    "run.html": RUN_SECTIONS,
    "large.html": RUN_SECTIONS,
    "hostile.html": RUN_SECTIONS,
    "empty.html": {name: ".empty" for name in RUN_SECTIONS},
    "matrix.html": {"matrix": "td b", "pairs": "tbody tr"},
    "sweep.html": {"success": "tbody tr", "figures": "svg path.median", "values": "tbody tr"},
}

# The lowest contrast of all visible text, and where: a list of [ratio, text], worst first.
CONTRASTS = r"""
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const known = new Map();
  const parsed = (color) => known.get(color) ?? known.set(color, rgba(color)).get(color);
  const luminance = (rgb) => {
    const [r, g, b] = rgb.slice(0, 3).map((part) => part / 255).map((part) =>
      part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const color = parsed(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return parsed(getComputedStyle(document.body).backgroundColor);
  };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (walker.currentNode.data.trim() === "" || node.getClientRects().length === 0) continue;
    if (node.closest("script, noscript, .hidden")) continue;
    const style = getComputedStyle(node);
    const inSvg = node.namespaceURI.endsWith("svg");
    const [a, b] = [luminance(parsed(inSvg ? style.fill : style.color)), luminance(behind(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found.push([ratio, walker.currentNode.data.slice(0, 40)]);
  }
  return found.sort((x, y) => x[0] - y[0]).slice(0, 5);
})()
"""

# Pairs of an SVG's texts that lie over each other.
OVERLAPS = r"""
[...document.querySelectorAll("svg")].flatMap((svg) => {
  const texts = [...svg.querySelectorAll("text")]
    .map((text) => ({ text: text.textContent, box: text.getBoundingClientRect() }));
  return texts.flatMap((a, i) => texts.slice(i + 1).filter((b) =>
    Math.min(a.box.right, b.box.right) - Math.max(a.box.left, b.box.left) > 1 &&
    Math.min(a.box.bottom, b.box.bottom) - Math.max(a.box.top, b.box.top) > 4)
    .map((b) => `${svg.getAttribute("aria-label")}: ${a.text} / ${b.text}`));
})
"""


# Shapes whose places or sizes are no numbers.
NOT_NUMBERS = r"""
[...document.querySelectorAll("svg *")].filter((shape) =>
  [...shape.attributes].some((attribute) => /NaN|undefined|Infinity/.test(attribute.value)))
  .map((shape) => shape.outerHTML)
"""


def look_at(browser, page, size, dark):
    """Opens a page and gives what all tests of every look want to know of it."""
    browser.show(*size, dark)
    browser.open(page)
    count = "document.querySelectorAll('{}').length"
    return {
        "root": browser.evaluate("({ ...document.documentElement.dataset })"),
        "thrown": browser.events_of("Runtime.exceptionThrown"),
        "logged": browser.events_of("Log.entryAdded"),
        "asked": [e["request"]["url"] for e in browser.events_of("Network.requestWillBeSent")],
        "drawn": {
            section: browser.evaluate(count.format(f"#{section} {content}"))
            for section, content in SECTIONS[page.name].items()
        },
        "text": browser.evaluate("document.body.innerText"),
        "not_numbers": browser.evaluate(NOT_NUMBERS),
        "contrasts": browser.evaluate(CONTRASTS),
        "overlaps": browser.evaluate(OVERLAPS),
        "too_wide": browser.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        ),
    }


class EveryLook(unittest.TestCase):
    """Every page, light and dark, wide and narrow: each is opened once."""

    folder = None
    browser = None

    @classmethod
    def setUpClass(cls):
        cls.looks = {
            (name, size[0], dark): look_at(cls.browser, cls.folder / name, size, dark)
            for name in SECTIONS
            for size in (DESKTOP, PHONE)
            for dark in (False, True)
        }

    def each_look(self, check):
        for (name, width, dark), look in self.looks.items():
            with self.subTest(page=name, width=width, dark=dark):
                check(name, look)

    def test_is_drawn_whole(self):
        def check(_, look):
            self.assertEqual(look["root"]["drawn"], "true")
            for section, count in look["drawn"].items():
                self.assertGreater(count, 0, f"#{section} is empty")

        self.each_look(check)

    def test_has_no_errors(self):
        def check(_, look):
            self.assertEqual(json.loads(look["root"]["errors"]), [])
            self.assertEqual(look["thrown"], [])
            self.assertEqual(look["logged"], [])

        self.each_look(check)

    def test_draws_and_writes_numbers(self):
        def check(_, look):
            self.assertEqual(look["not_numbers"], [])
            self.assertNotRegex(look["text"], r"NaN|undefined|Infinity|\[object")

        self.each_look(check)

    def test_asks_nobody_for_anything(self):
        self.each_look(
            lambda name, look: self.assertEqual(look["asked"], [f"file://{self.folder / name}"])
        )

    def test_can_be_read_in_both_schemes(self):
        self.each_look(
            lambda _, look: self.assertGreaterEqual(
                look["contrasts"][0][0], CONTRAST_MIN, look["contrasts"]
            )
        )

    def test_fits_the_screen(self):
        self.each_look(lambda _, look: self.assertLessEqual(look["too_wide"], 0))

    def test_puts_no_text_of_a_chart_over_another(self):
        self.each_look(lambda _, look: self.assertEqual(look["overlaps"], []))


class Pages(unittest.TestCase):
    """What pages do, once opened."""

    folder = None
    browser = None

    def open(self, name, size=DESKTOP, dark=False):
        self.browser.show(*size, dark)
        self.browser.open(self.folder / name)

    def press(self, key, code):
        self.browser.call("Input.dispatchKeyEvent", type="keyDown", key=key,
                          windowsVirtualKeyCode=code)  # fmt: skip

    def test_names_no_other_host_but_the_svg_namespace(self):
        for name in SECTIONS:
            html = (self.folder / name).read_text(encoding="utf-8")
            urls = set(re.findall(r"https?://[^\s\"'<]*", html)) - {"http://www.w3.org/2000/svg"}
            self.assertEqual(urls, set(), name)

    def test_follows_the_scheme_the_reader_prefers(self):
        grounds = []
        for dark in (False, True):
            self.open("run.html", dark=dark)
            grounds.append(self.browser.evaluate("getComputedStyle(document.body).backgroundColor"))
        self.assertNotEqual(*grounds)

    def test_never_makes_markup_of_a_name(self):
        self.open("hostile.html")
        self.assertEqual(self.browser.evaluate("document.querySelectorAll('img').length"), 0)
        self.assertIn("<img src=x", self.browser.evaluate("document.querySelector('h1').innerText"))

    def test_slides_to_any_moment_with_the_keyboard(self):
        self.open("run.html")
        moment = "document.querySelector('#map output').textContent"
        end = self.browser.evaluate(moment)
        self.assertRegex(end, "[1-9] direct")
        self.browser.evaluate("document.querySelector('#map input').focus()")
        self.press("Home", 36)
        self.assertRegex(self.browser.evaluate(moment), ": 0 direct, 0 relayed")
        self.press("End", 35)
        self.assertEqual(self.browser.evaluate(moment), end)

    def test_reads_a_curve_with_the_keyboard(self):
        self.open("run.html")
        self.browser.evaluate("document.querySelector('#convergence svg').focus()")
        tooltip = "document.getElementById('tooltip').innerText"
        self.press("ArrowRight", 39)
        first = self.browser.evaluate(tooltip)
        self.press("ArrowRight", 39)
        self.assertIn("possible", first)
        self.assertNotEqual(self.browser.evaluate(tooltip), first)

    def test_shows_a_relayed_tunnel_as_one_of_another_colour(self):
        self.open("matrix.html")
        cell = "document.querySelector('.heat tbody tr:nth-child({}) td:nth-of-type({})')"
        hard, easy = cell.format(5, 4), cell.format(1, 1)
        share = self.browser.evaluate(hard + ".querySelector('b').innerText")
        self.assertEqual(share, "95\u202f%")  # of the runs, but few of them direct
        color = "getComputedStyle({}).backgroundColor"
        self.assertNotEqual(self.browser.evaluate(color.format(hard)),
                            self.browser.evaluate(color.format(easy)))  # fmt: skip

    def test_plays_the_map(self):
        self.open("run.html")
        self.browser.evaluate("document.querySelector('#map .play').click()")
        moved = """new Promise((done) => {
          const slider = document.querySelector("#map input");
          const look = () => Number(slider.value) > 5 && Number(slider.value) < 900
            ? done(true) : requestAnimationFrame(look);
          look();
        })"""
        self.assertTrue(self.browser.evaluate(moved))

    def test_agrees_with_the_curves_at_the_end_of_the_map(self):
        self.open("large.html")
        shown = self.browser.evaluate("document.querySelector('#map output').textContent")
        samples = self.browser.evaluate(
            "JSON.parse(document.getElementById('results').textContent).samples")  # fmt: skip
        direct = int(re.sub(r"\D", "", re.search(r": (.*) direct", shown).group(1)))
        self.assertEqual(direct, samples["pairs_direct"][-1])

    def test_redraws_a_large_map_fast_enough_to_move(self):
        self.open("large.html")
        # Each moment's quickest drawing: whatever else runs on the machine slows a few of them.
        milliseconds = self.browser.evaluate("""(() => {
          const slider = document.querySelector("#map input");
          const redraw = (moment) => {
            const begun = performance.now();
            slider.value = String(moment);
            slider.dispatchEvent(new Event("input"));
            return performance.now() - begun;
          };
          const moments = Array.from({length: 61}, (_, step) => (step * 377) % 1001);
          const quickest = moments.map(() => Infinity);
          for (let round = 0; round < 5; round += 1) {
            moments.forEach((moment, i) => {
              quickest[i] = Math.min(quickest[i], redraw(moment));
            });
          }
          return quickest.reduce((sum, each) => sum + each) / moments.length;
        })()""")
        self.assertLess(milliseconds, 50)

    def test_sorts_the_nodes_by_a_column(self):
        self.open("run.html")
        times = """(() => {
          [...document.querySelectorAll("#nodes th button")]
            .find((button) => button.textContent === "Sent").click();
          const head = document.querySelector("#nodes th[aria-sort]");
          return [head.getAttribute("aria-sort"),
                  document.querySelector("#nodes tbody tr").textContent];
        })()"""
        up, least = self.browser.evaluate(times)
        down, most = self.browser.evaluate(times)
        self.assertEqual((up, down), ("ascending", "descending"))
        self.assertNotEqual(least, most)

    def test_filters_the_events(self):
        self.open("run.html")
        rows = "document.querySelectorAll('#timeline tbody tr').length"
        before = self.browser.evaluate(rows)
        self.browser.evaluate("[...document.querySelectorAll('#timeline input')].at(-1).click()")
        self.assertEqual(self.browser.evaluate(rows), before - 1)


def keep_pictures(browser, folder):
    """A picture of each page in each look."""
    for name in SECTIONS:
        for size, kind in ((DESKTOP, "desktop"), (PHONE, "phone")):
            for dark in (False, True):
                browser.show(*size, dark)
                browser.open(folder / name)
                picture = f"{Path(name).stem}-{kind}-{'dark' if dark else 'light'}.png"
                (folder / picture).write_bytes(base64.b64decode(browser.screenshot()))


def main():
    if find_chromium() is None:
        print("skipped: there is no chromium")
        return EXIT_SKIPPED
    pages, *rest = sys.argv[1:]
    keep = Path(rest[1]).resolve() if rest[:1] == ["--keep"] else None
    with tempfile.TemporaryDirectory() as temporary, Browser() as browser:
        folder = keep or Path(temporary).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        subprocess.run([pages, folder], check=True)
        if keep:
            keep_pictures(browser, folder)
        for cases in (EveryLook, Pages):
            cases.folder, cases.browser = folder, browser
        program = unittest.main(argv=[sys.argv[0], *(rest[2:] if keep else rest)], exit=False)
    return 0 if program.result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())

"""Feeds tools/check_together folders whose files hide each other's names, and one whose do not."""

import subprocess
import tempfile
import unittest
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent / "check_together"
LIST = "kadwire_library(room\n  SOURCES c.cpp\n  TOGETHER a.cpp b.cpp\n  LINKS other)\n"
HEADER = "namespace kadwire::room {\n\ninline constexpr int kBound = 3;\nint half(int of);\n\n}\n"


def source(inside, include=""):
    return f"{include}\nnamespace kadwire::room {{\nnamespace {{\n\n{inside}\n\n}}  // namespace\n}}\n"


def run_on(files):
    """Runs the check on a tree of {path: text}; its exit code and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        done = subprocess.run([PROGRAM, folder], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


class CheckTogether(unittest.TestCase):
    def run_with(self, inside, file="room/a.cpp", header=HEADER):
        files = {
            "room/CMakeLists.txt": LIST,
            "room/bound.h": '#include "room/inner.h"\n',
            "room/inner.h": header,
            "room/a.cpp": source("constexpr int kOther = 4;"),
            "room/b.cpp": source("int third(int of);", '#include "room/bound.h"\n'),
        }
        return run_on({**files, file: source(inside)})

    def test_accepts_names_that_hide_nothing(self):
        self.assertEqual(self.run_with("constexpr int kMine = 4;"), (0, ""))

    def test_refuses_a_name_of_a_header_that_only_a_neighbour_includes(self):
        for inside in ("constexpr int kBound = 4;", "int half(long of) {\n  return 0;\n}"):
            name = "kBound" if "kBound" in inside else "half"
            self.assertEqual(self.run_with(inside),
                             (1, f"room/a.cpp: {name} hides that of room/inner.h\n"))

    def test_accepts_it_in_a_file_that_is_compiled_alone(self):
        self.assertEqual(self.run_with("constexpr int kBound = 4;", "room/c.cpp"), (0, ""))

    def test_accepts_a_name_of_another_namespace(self):
        elsewhere = HEADER.replace("kadwire::room", "kadwire::elsewhere")
        self.assertEqual(self.run_with("constexpr int kBound = 4;", header=elsewhere), (0, ""))


if __name__ == "__main__":
    unittest.main()

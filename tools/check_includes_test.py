"""Feeds tools/check_includes trees with one broken rule each, and one with none."""

import subprocess
import tempfile
import unittest
from pathlib import Path

PROGRAM = Path(__file__).resolve().parent / "check_includes"


def run_on(files):
    """Runs the check on a tree of {path: text}; its exit code and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            file = Path(folder) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        done = subprocess.run([PROGRAM, folder], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


class CheckIncludes(unittest.TestCase):
    def assert_refused(self, files, place, reason):
        code, printed = run_on(files)
        self.assertEqual(code, 1, printed)
        self.assertEqual(len(printed.splitlines()), 1, printed)
        self.assertTrue(printed.startswith(place + ": "), printed)
        self.assertIn(reason, printed)

    def assert_accepted(self, files):
        self.assertEqual(run_on(files), (0, ""))

    def test_accepts_every_allowed_arrow(self):
        self.assert_accepted({
            "crypto/a.cpp": '#include "node/base/bytes.h"\n',
            "dht/a.cpp": '#include "crypto/a.h"\n#include "dht/b.h"\n',
            "rendezvous/a.cpp": '#include "crypto/a.h"\n',
            "node/a.cpp": '#include "dht/a.h"\n#include "rendezvous/a.h"\n#include "node/ports/a.h"\n',
            "node/adapters/a.cpp": '#include "node/ports/a.h"\n#include <asio.hpp>\n',
            "tools/a.cpp": '#include "node/a.h"\n',
            "tests/a.cpp": '#include "tools/a.h"\n#include "dht/a.h"\n',
        })

    def test_refuses_each_forbidden_arrow(self):
        arrows = [
            ("node/base", "crypto"), ("crypto", "dht"), ("dht", "rendezvous"), ("rendezvous", "dht"),
            ("crypto", "node"), ("dht", "node"), ("node", "tools"), ("tools", "tests"),
        ]
        code, printed = run_on({f"{here}/to_{there}.cpp": f'\n#include "{there}/b.h"\n'
                                for here, there in arrows})
        self.assertEqual(code, 1)
        self.assertEqual(sorted(printed.splitlines()), sorted(
            f"{here}/to_{there}.cpp:2: {here} must not include {there} ({there}/b.h)"
            for here, there in arrows))

    def test_refuses_adapters_and_control_in_the_logic_of_a_node(self):
        for there in ("node/adapters/a.h", "node/control/a.h"):
            self.assert_refused({"node/mesh_node.cpp": f'#include "{there}"\n'},
                                "node/mesh_node.cpp:1", "use a port")
            self.assert_accepted({"node/daemon.cpp": f'#include "{there}"\n'})
        self.assert_refused({"node/adapters/a.cpp": '#include "node/control/a.h"\n'},
                            "node/adapters/a.cpp:1", "control room")

    def test_refuses_paths_that_do_not_start_at_the_root(self):
        self.assert_refused({"dht/a.cpp": '#include "b.h"\n'}, "dht/a.cpp:1", "from the root")

    def test_refuses_a_circle_of_files_and_shows_it(self):
        self.assert_refused({
            "dht/a.h": '#include "dht/b.h"\n',
            "dht/b.h": '#include "dht/c.h"\n',
            "dht/c.h": '#include "dht/a.h"\n',
        }, "dht/a.h:1", "dht/a.h -> dht/b.h -> dht/c.h -> dht/a.h")

    def test_refuses_opendht_outside_of_its_adapter(self):
        include = "#include <opendht/dht.h>\n"
        self.assert_refused({"dht/announcer.cpp": include}, "dht/announcer.cpp:1", "behind")
        self.assert_refused({"tools/a.cpp": include}, "tools/a.cpp:1", "behind")
        self.assert_accepted({"dht/opendht_directory.cpp": include})

    def test_refuses_the_system_in_logic_but_not_at_the_edge(self):
        lines = (
            "auto t = std::chrono::steady_clock::now();", "std::random_device device;",
            "randombytes_buf(p, 4);", "int s = ::socket(1, 2, 3);", "#include <sys/socket.h>",
            "#include <thread>", "#include <mutex>", "#include <asio/io_context.hpp>",
        )
        text = "\n".join(lines) + "\n"
        logic = ("crypto/a.cpp", "dht/a.cpp", "rendezvous/a.cpp", "node/driver.cpp",
                 "node/membership/lease.cpp")
        edge = ("node/adapters/a.cpp", "node/control/a.cpp", "node/main.cpp", "node/daemon.cpp",
                "node/state_store.cpp", "crypto/system_random.cpp", "tools/lab/a.cpp", "tests/a.cpp")
        code, printed = run_on({path: text for path in logic + edge})
        self.assertEqual(code, 1)
        self.assertEqual(
            sorted(line.split(": logic ")[0] for line in printed.splitlines()),
            sorted(f"{path}:{number}" for path in logic for number in range(1, len(lines) + 1)))

    def test_does_not_mind_comments_and_texts(self):
        self.assert_accepted({
            "dht/a.cpp": '// calls ::now(\n/* #include "tools/a.h"\n ::socket( */\n'
                         'const char* t = "::now( \\" // random_device";\n',
        })

    def test_still_sees_code_behind_a_comment_or_a_text(self):
        self.assert_refused({"dht/a.cpp": '/* x\n */ const char* t = "//"; auto n = C::now();\n'},
                            "dht/a.cpp:2", "clock")


if __name__ == "__main__":
    unittest.main()

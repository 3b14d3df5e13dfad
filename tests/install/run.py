"""Installs liblivy and builds tests/install/program.cc against it in the three usual ways.

run.py SOURCE_ROOT WORK_DIR. WORK_DIR is kept, so that a second run has little to compile.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

SOURCE_ROOT = pathlib.Path(sys.argv[1]).resolve()
WORK_DIR = pathlib.Path(sys.argv[2]).resolve()
PROGRAM = SOURCE_ROOT / "tests/install/program.cc"
COMPILER = os.environ.get("CXX", "g++").split()


def run(command, **settings):
    """What the command printed; a failure shows it all."""
    environment = os.environ | settings
    done = subprocess.run(
        [str(word) for word in command], env=environment, text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


class Installation:
    """liblivy of one kind, static or shared, below a prefix of its own."""

    def __init__(self, kind):
        self.folder = WORK_DIR / kind
        self.prefix = self.folder / "prefix"
        build = self.folder / "build"
        shutil.rmtree(self.prefix, ignore_errors=True)
        options = [f"--prefix={self.prefix}", f"-Ddefault_library={kind}"]
        options += ["-Dtests=false", "-Dexamples=false", "-Dbuildtype=release"]
        if not (build / "build.ninja").exists():
            run(["meson", "setup", build, SOURCE_ROOT, *options])
        run(["ninja", "-C", build, "-j2", "install"])

        [self.pc_file] = self.prefix.glob("**/pkgconfig/livy.pc")
        self.libdir = self.pc_file.parent.parent
        self.environment = {
            "PKG_CONFIG_PATH": str(self.pc_file.parent),
            "CMAKE_PREFIX_PATH": str(self.prefix),
            "LD_LIBRARY_PATH": str(self.libdir),
        }

    def run(self, command):
        return run(command, **self.environment)

    def names(self, *options):
        """Names of the library's symbols, demangled."""
        [library] = {file.resolve() for file in self.libdir.glob("liblivy.*")}
        return self.run(["nm", "-C", *options, library])

    def empty_folder(self, name):
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        shutil.copy(PROGRAM, folder)
        return folder


class Programs:
    """The tests of one kind of library; `kind` is set below."""

    @classmethod
    def setUpClass(cls):
        cls.installed = Installation(cls.kind)

    def check(self, program):
        printed = self.installed.run([program]).splitlines()
        self.assertTrue(printed[0].startswith("version "), printed)
        self.assertEqual(printed[1:], ["session 0 mine"])

    def test_pkg_config(self):
        folder = self.installed.empty_folder("pkg-config")
        flags = self.installed.run(["pkg-config", "--cflags", "--libs", "livy"]).split()
        command = [*COMPILER, "-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]
        self.installed.run([*command, folder / "program.cc", "-o", folder / "program", *flags])
        self.check(folder / "program")

    def test_meson(self):
        folder = self.installed.empty_folder("meson")
        shutil.copy(PROGRAM.with_name("foreign.meson.build"), folder / "meson.build")
        self.installed.run(["meson", "setup", folder / "build", folder])
        self.installed.run(["ninja", "-C", folder / "build", "-j2"])
        self.check(folder / "build/program")

    def test_cmake(self):
        folder = self.installed.empty_folder("cmake")
        shutil.copy(PROGRAM.with_name("CMakeLists.txt"), folder)
        self.installed.run(["cmake", "-S", folder, "-B", folder / "build", "-GNinja"])
        self.installed.run(["cmake", "--build", folder / "build", "-j2"])
        self.check(folder / "build/program")

    def test_cmake_refuses_a_version_that_is_not_there(self):
        folder = self.installed.empty_folder("cmake-version")
        project = PROGRAM.with_name("CMakeLists.txt").read_text(encoding="utf-8")
        (folder / "CMakeLists.txt").write_text(project.replace("livy 0.1", "livy 99.0"))
        with self.assertRaisesRegex(AssertionError, "99.0"):
            self.installed.run(["cmake", "-S", folder, "-B", folder / "build", "-GNinja"])

    def test_what_else_is_installed(self):
        for name in ["bin/livy-server", "share/doc/livy/LICENSE", "share/doc/livy/docs/rest.md", "share/livy/livy.conf"]:
            self.assertTrue((self.installed.prefix / name).exists(), name)
        version = self.installed.run(["pkg-config", "--modversion", "livy"]).strip()
        self.assertIn(f"version: '{version}'", (SOURCE_ROOT / "meson.build").read_text())

    def build_foreign(self, name, *more_flags):
        """A program that holds another httplib, and what it prints."""
        folder = self.installed.empty_folder(name)
        flags = self.installed.run(["pkg-config", "--cflags", "--libs", "livy"]).split()
        source = PROGRAM.with_name(f"{name}.cc")
        # Its names are shown to libraries, as those of programs with plugins are.
        self.installed.run([*COMPILER, "-std=c++20", "-rdynamic", source, "-o", folder / name,
                            *flags, *more_flags])
        return self.installed.run([folder / name]).splitlines()

    def test_a_program_with_classes_of_the_names_of_cpp_httplib_is_not_harmed(self):
        printed = self.build_foreign("foreign")
        self.assertEqual(printed[0], "posted 400")
        self.assertTrue(printed[1].startswith("version "), printed)
        self.assertEqual(printed[2:], ["server, client of there, request, response, 11"])

    def test_a_program_with_the_cpp_httplib_of_the_system_is_not_harmed(self):
        if subprocess.run(["pkg-config", "--exists", "cpp-httplib"], check=False).returncode != 0:
            reason = "a system's cpp-httplib: needs libcpp-httplib-dev"
            print(f"SKIP: {reason}")
            self.skipTest(reason)
        flags = run(["pkg-config", "--cflags", "--libs", "cpp-httplib"]).split()
        printed = self.build_foreign("foreign_debian", *flags)
        self.assertEqual(printed, ["theirs 200 hello", "theirs 200 hello", "ours 400"])

    def test_no_name_of_cpp_httplib_is_in_the_library(self):
        self.assertNotRegex(self.installed.names(), r"\bhttplib::")


class Static(Programs, unittest.TestCase):
    kind = "static"

    def test_no_shared_library_is_installed(self):
        self.assertEqual(list(self.installed.libdir.glob("liblivy.so*")), [])


class Shared(Programs, unittest.TestCase):
    kind = "shared"

    def test_nothing_but_the_public_namespace_is_shown(self):
        lines = self.installed.names("--dynamic", "--defined-only").splitlines()
        names = [line.split(" ", 2)[2] for line in lines]
        self.assertIn("livy::MakeHttpConnection(livy::HttpConnectionOptions const&)", names)
        own = re.compile(r"((typeinfo|typeinfo name|vtable) for )?livy::(?!internal::)")
        self.assertEqual([name for name in names if not own.match(name)], [])

    def test_a_program_needs_nothing_but_the_library(self):
        flags = self.installed.run(["pkg-config", "--libs", "--static", "livy"]).split()
        self.assertEqual([f for f in flags if f.startswith("-l")], ["-llivy"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])

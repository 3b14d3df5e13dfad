#!/usr/bin/env python3
"""Compiles Java sources and packs them with resources into a jar: same input, same bytes.

The jar is written here and not by the JDK's tool, which cannot set all dates before version 17.
"""
import argparse
import pathlib
import subprocess
import tempfile
import zipfile

OLDEST_DATE = (1980, 1, 1, 0, 0, 0)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--javac", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("--main-class", required=True)
    parser.add_argument("--class-path", default="")
    parser.add_argument("--resource-folder", default="org/livy/driver")
    parser.add_argument("files", nargs="+", help="Java sources, and others as resources")
    options = parser.parse_args()
    sources = [name for name in options.files if name.endswith(".java")]
    resources = [name for name in options.files if not name.endswith(".java")]
    manifest = "Manifest-Version: 1.0\r\nMain-Class: %s\r\n\r\n" % options.main_class
    entries = {"META-INF/MANIFEST.MF": manifest.encode()}
    with tempfile.TemporaryDirectory() as folder:
        # -options: the JDKs since 20 warn that release 8 will not be supported for ever.
        subprocess.run(
            [options.javac, "--release", "8", "-Xlint:all,-options", "-Werror",
             "-encoding", "UTF-8", "-cp", options.class_path, "-d", folder] + sources, check=True)
        for compiled in sorted(pathlib.Path(folder).rglob("*.class")):
            entries[compiled.relative_to(folder).as_posix()] = compiled.read_bytes()
    for name in sorted(resources):
        path = pathlib.Path(name)
        entries[options.resource_folder + "/" + path.name] = path.read_bytes()
    with zipfile.ZipFile(options.output, "w", zipfile.ZIP_DEFLATED) as jar:
        for name, data in entries.items():
            entry = zipfile.ZipInfo(name, OLDEST_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            jar.writestr(entry, data)


if __name__ == "__main__":
    main()

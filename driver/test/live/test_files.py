"""Jars, modules, files and archives: given at the start and to a running session. See live_test.py."""
import functools
import http.server
import os
import subprocess
import threading
import unittest
import zipfile

import live_test


def make_jar(folder, package):
    """A jar with a class Greeter that says its package's name."""
    source = os.path.join(folder, package + ".java")
    with open(source, "w") as text:
        text.write("package %s; class Unused {} " % package)
    os.makedirs(os.path.join(folder, package), exist_ok=True)
    source = os.path.join(folder, package, "Greeter.java")
    with open(source, "w") as text:
        text.write('package %s; public class Greeter { public static String greet() '
                   '{ return "%s"; } }' % (package, package))
    subprocess.run(["javac", "--release", "8", "-Xlint:-options", "-d", folder, source], check=True)
    return make_zip(os.path.join(folder, package + ".jar"), os.path.join(folder, package),
                    package)


def make_zip(name, source, inside):
    with zipfile.ZipFile(name, "w") as archive:
        for found in sorted(os.listdir(source)):
            archive.write(os.path.join(source, found), inside + "/" + found)
    return name


def make_module(folder, name):
    """A module that says its name, as a .py file."""
    with open(os.path.join(folder, name + ".py"), "w") as text:
        text.write("def greet(_=None): return '%s'\n" % name)
    return os.path.join(folder, name + ".py")


def make_package(folder, name, ending):
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    os.replace(make_module(folder, "module"), os.path.join(folder, name, "__init__.py"))
    with open(os.path.join(folder, name, "__init__.py"), "w") as text:
        text.write("def greet(_=None): return '%s'\n" % name)
    return make_zip(os.path.join(folder, name + ending), os.path.join(folder, name), name)


def make_text(folder, name):
    with open(os.path.join(folder, name), "w") as text:
        text.write("in " + name)
    return os.path.join(folder, name)


class FilesTest(live_test.LiveTest):
    kind = "shared"

    @classmethod
    def extra(cls):
        folder = cls.folder.name
        os.mkdir(folder + "/inner")
        archive = make_zip(folder + "/archive.zip", os.path.dirname(
            make_text(folder + "/inner", "inside.txt")), "in")
        return {
            "spark.jars": make_jar(folder, "submitted"),
            "spark.submit.pyFiles": ",".join([make_module(folder, "submitted_py"),
                                              make_package(folder, "submitted_zip", ".zip")]),
            "spark.files": make_text(folder, "submitted.txt"),
            "spark.archives": archive + "#unpacked",
        }

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def add(self, resource, **source):
        self.assertIsNone(self.driver.add(resource, **source))

    def assert_class(self, package):
        """Scala, its executors, Python's way into the JVM and SQL know the class."""
        greet = package + ".Greeter.greet()"
        self.assertEqual(self.text("println(%s)" % greet, "spark"), package + "\n")
        self.assertEqual(self.text("println(sc.parallelize(1 to 2, 2).map(_ => %s).collect().toSet)"
                                   % greet, "spark"), "Set(%s)\n" % package)
        self.assertEqual(self.text("sc._jvm." + greet, "pyspark"), "'%s'" % package)
        data = self.data("select java_method('%s.Greeter', 'greet')" % package, "sql")
        self.assertEqual(data["application/json"]["data"], [[package]])

    def assert_module(self, name):
        """Python and its executors know the module."""
        self.assertEqual(self.text("import %s\n%s.greet()" % (name, name), "pyspark"),
                         "'%s'" % name)
        self.assertEqual(self.text("sc.parallelize([1, 2], 2).map(lambda _: __import__('%s')"
                                   ".greet()).distinct().collect()" % name, "pyspark"),
                         "['%s']" % name)

    def assert_file(self, name, text):
        self.assertEqual(self.text("from pyspark import SparkFiles\n"
                                   "open(SparkFiles.get('%s')).read()" % name, "pyspark"),
                         "'%s'" % text)
        self.assertEqual(self.text("open('%s').read()" % name, "pyspark"), "'%s'" % text)
        self.assertEqual(self.text(
            "sc.parallelize([1]).map(lambda _: open(SparkFiles.get('%s')).read()).collect()"
            % name, "pyspark"), "['%s']" % text)
        self.assertEqual(self.text(
            'print(scala.io.Source.fromFile(org.apache.spark.SparkFiles.get("%s")).mkString)'
            % name, "spark"), text)

    def test_F01_added_before_python_starts(self):
        self.add("pyfile", uri=make_module(self.folder.name, "early_py"))
        self.add("pyfile", uri="file:" + make_package(self.folder.name, "early_egg", ".egg"))
        self.assert_module("early_py")
        self.assert_module("early_egg")

    def test_F02_jars_of_the_request(self):
        self.assert_class("submitted")

    def test_F03_python_files_of_the_request(self):
        self.assert_module("submitted_py")
        self.assert_module("submitted_zip")

    def test_F04_files_and_archives_of_the_request(self):
        self.assert_file("submitted.txt", "in submitted.txt")
        self.assert_file("unpacked/in/inside.txt", "in inside.txt")

    def test_F05_a_jar_for_a_running_session(self):
        self.text("val kept = 7", "spark")
        self.error("added.Greeter.greet()", "spark")
        self.add("jar", uri="file://" + make_jar(self.folder.name, "added"))
        self.assert_class("added")
        self.assertIn("Int = 7", self.text("kept", "spark"))

    def test_F06_modules_for_a_running_session(self):
        self.error("import added_py", "pyspark")
        self.add("pyfile", uri=make_module(self.folder.name, "added_py"))
        self.add("pyfile", uri=make_package(self.folder.name, "added_zip", ".zip"))
        self.assert_module("added_py")
        self.assert_module("added_zip")

    def test_F07_a_module_for_a_running_statement(self):
        number = self.driver.submit(
            "pyspark", "import time\nprint('runs', flush=True)\nwhile True:\n"
            "    try:\n        import late_zip\n        break\n"
            "    except ImportError: time.sleep(0.01)\nlate_zip.greet()")
        self.server.event("output", id=number)
        self.add("pyfile", uri=make_package(self.folder.name, "late_zip", ".zip"))
        self.assertEqual(self.driver.finished(number)["output"]["data"]["text/plain"],
                         "runs\n'late_zip'")

    def test_F08_files_for_a_running_session(self):
        self.add("file", uri=make_text(self.folder.name, "added.txt"))
        self.assert_file("added.txt", "in added.txt")

    def test_F09_uploads(self):
        for name in (make_jar(self.folder.name, "uploaded"),
                     make_module(self.folder.name, "uploaded_py"),
                     make_text(self.folder.name, "a file \u00e4+%.txt")):
            with open(name, "rb") as content:
                self.server.files[os.path.basename(name)] = content.read()
            os.remove(name)
        self.add("jar", upload="uploaded.jar")
        self.add("pyfile", upload="uploaded_py.py")
        self.assert_class("uploaded")
        self.assert_module("uploaded_py")
        self.add("file", upload="a file \u00e4+%.txt")
        self.assert_file("a file \\u00e4+%.txt", "in a file \u00e4+%.txt")

    def test_F10_a_large_upload(self):
        self.server.files["large"] = bytes(64 << 20)
        self.add("file", upload="large")
        self.assertEqual(self.text("import os\nos.path.getsize('large')", "pyspark"),
                         str(64 << 20))

    def test_F11_from_a_web_server(self):
        class Quiet(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *arguments):
                pass

        folder = self.path("web")
        os.mkdir(folder)
        make_jar(folder, "web")
        make_module(folder, "web_py")
        make_text(folder, "web.txt")
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        base = "http://127.0.0.1:%d/" % server.server_address[1]
        self.add("jar", uri=base + "web.jar")
        self.add("pyfile", uri=base + "web_py.py")
        self.add("file", uri=base + "web.txt")
        self.assert_class("web")
        self.assert_module("web_py")
        self.assert_file("web.txt", "in web.txt")
        self.assertIn("web/nothing.jar", self.driver.add("jar", uri=base + "web/nothing.jar"))

    def test_F12_a_jar_as_a_python_file(self):
        self.add("pyfile", uri=make_jar(self.folder.name, "both"))
        self.assert_class("both")

    def test_F13_in_livy_add_jar_is_add_pyfile(self):
        self.add("jar", uri=make_module(self.folder.name, "jar_py"))
        self.assert_module("jar_py")

    def test_F14_the_same_name_twice(self):
        name = make_text(self.folder.name, "twice.txt")
        self.add("file", uri=name)
        self.server.files["twice.txt"] = b"other"
        self.add("file", upload="twice.txt")
        self.assert_file("twice.txt", "in twice.txt")
        self.assertIn("a file named twice.txt was added before", self.driver.log())

    def test_F16_names_are_decoded(self):
        name = make_text(self.folder.name, "a b.txt")
        self.add("file", uri="file:" + name.replace(" ", "%20"))
        self.assert_file("a b.txt", "in a b.txt")

    def test_F15_what_cannot_be_added(self):
        text = make_text(self.folder.name, "no.jar")
        for source, why in (
                ({"resource": "jar", "uri": "file:/nowhere/x.jar"}, "/nowhere/x.jar is not a file"),
                ({"resource": "pyfile", "uri": "/nowhere/x.py"}, "/nowhere/x.py is not a file"),
                ({"resource": "file", "uri": "/tmp/"}, "does not name a file"),
                ({"resource": "file", "uri": self.folder.name}, "is not a file"),
                ({"resource": "jar", "uri": text}, "no.jar could not be added"),
                ({"resource": "file", "uri": "mailto:x"}, "does not name a file"),
                ({"resource": "file", "uri": "a b:/x"}, "could not be added"),
                ({"resource": "file", "upload": "unknown"}, "HTTP 404"),
                ({"resource": "file", "upload": "../x"}, "does not name a file"),
                ({"resource": "jar", "uri": "nofs:/x.jar"}, "nofs"),
                ({"resource": "file", "uri": "http://127.0.0.1:1/x"}, "refused")):
            with self.subTest(source=source):
                self.assertIn(why, self.driver.add(**source))
        os.remove(text)
        os.replace(make_jar(self.folder.name, "mended"), text)
        self.add("jar", uri=text)
        self.assert_class("mended")


if __name__ == "__main__":
    unittest.main(verbosity=2)

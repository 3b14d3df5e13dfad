"""Python statements: their code, magics and errors. See python_bootstrap.py."""
import ast
import sys
import traceback

from livy_magics import Magics, StatementError, error

SOURCE = "<stdin>"
# Frames of code in these files are no business of the user's.
HIDDEN_FILES = {__file__, sys.modules[Magics.__module__].__file__}


def current_error():
    """The exception being handled, without our frames and the outermost of the user's code."""
    kind, value, trace = sys.exc_info()
    report = traceback.TracebackException(kind, value, trace)
    hide_frames(report)
    if report.stack and (report.stack[0].filename, report.stack[0].name) == (SOURCE, "<module>"):
        del report.stack[0]
    lines = list(report.format(chain=False))
    # Without frames, Python's versions differ in whether they begin with this line.
    if not report.stack and "Traceback" not in lines[0]:
        lines.insert(0, "Traceback (most recent call last):\n")
    return error(kind.__name__, str(value), lines)


def hide_frames(report):
    report.stack[:] = [frame for frame in report.stack if frame.filename not in HIDDEN_FILES]
    for member in getattr(report, "exceptions", None) or ():
        hide_frames(member)  # Of an exception group.


class Chunk(object):
    """Lines between magics, and how many lines are before them."""

    # What can turn lines that are not Python yet into some.
    ENDS = frozenset("\"'()[]{}\\:")

    def __init__(self, before):
        self.lines = [""] * before
        self.whole = True
        self.changed = False

    def add(self, line):
        self.lines.append(line)
        self.changed = self.changed or self.whole or not self.ENDS.isdisjoint(line)

    def is_whole(self):
        if self.changed:
            self.changed = False
            try:
                ast.parse("\n".join(self.lines), SOURCE)
                self.whole = True
            except SyntaxError:
                self.whole = False
        return self.whole

    def tree(self):
        text = "\n".join(self.lines)
        return ast.parse(text, SOURCE) if text.strip() else None


class Runner(object):
    """Runs code in the module that user code sees as __main__."""

    def __init__(self, names):
        self.names = names
        self.magics = Magics(names)

    def split(self, code):
        """Trees, and magic lines. Magics matter only if the code is not Python as a whole."""
        try:
            return [ast.parse(code, SOURCE)]
        except SyntaxError:
            if not any(line.startswith("%") for line in code.split("\n")):
                raise
        nodes, chunk = [], Chunk(0)
        for number, line in enumerate(code.split("\n"), 1):
            # Within a text or brackets it is no magic; without them the lines before it are Python.
            if not line.startswith("%") or not chunk.is_whole():
                chunk.add(line)
                continue
            nodes += [chunk.tree(), line]
            chunk = Chunk(number)
        return [node for node in nodes + [chunk.tree()] if node is not None]

    def run_tree(self, tree):
        """Only the last statement runs as if typed, which shows the value of an expression."""
        body = tree.body
        if len(body) > 1:
            before = ast.Module(body=body[:-1], type_ignores=[])
            exec(compile(before, SOURCE, "exec"), self.names)
        if body:
            exec(compile(ast.Interactive(body=body[-1:]), SOURCE, "single"), self.names)

    def execute(self, code, rows_max=1000):
        """`rows_max`: rows of a DataFrame that a magic shows."""
        try:
            nodes = self.split(code)
        except Exception:
            # ValueError: a null byte; RecursionError, MemoryError: too deeply nested.
            kind, value, _ = sys.exc_info()
            lines = traceback.format_exception_only(kind, value)
            return error(kind.__name__, str(value), lines)
        answer = {"data": {}}
        try:
            for node in nodes:
                if isinstance(node, str):
                    answer = self.magics.run(node, rows_max)
                else:
                    answer = {"data": {}}
                    self.run_tree(node)
        except StatementError as failure:
            return failure.reply
        except BaseException:
            return current_error()
        return answer

"""Python statements: their code, magics and errors. See python_bootstrap.py."""
import ast
import base64
import datetime
import decimal
import io
import math
import sys
import traceback

SOURCE = "<stdin>"
COMPLETIONS_MAX = 500
# Frames of code in these files are no business of the user's.
HIDDEN_FILES = {__file__}


class StatementError(Exception):
    """An error of the statement that is none of Python's own."""

    def __init__(self, ename, evalue):
        super(StatementError, self).__init__(evalue)
        self.reply = error(ename, evalue, ["%s: %s\n" % (ename, evalue)])


def error(ename, evalue, lines):
    return {"ename": ename, "evalue": evalue, "traceback": lines}


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


# Values of magics.


def json_value(value):
    """The value as JSON can hold it: NaN and infinity are null; no value of any other type."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(name): json_value(item) for name, item in value.items()}
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


CELL_TYPES = (
    (bool, "BOOLEAN_TYPE"),
    (int, "INT_TYPE"),
    (float, "DOUBLE_TYPE"),
    (str, "STRING_TYPE"),
    (datetime.datetime, "TIMESTAMP_TYPE"),
    (datetime.date, "DATE_TYPE"),
    (decimal.Decimal, "DECIMAL_TYPE"),
    ((list, tuple), "ARRAY_TYPE"),
    (dict, "MAP_TYPE"),
)


def typed_cell(value):
    """A table cell's Livy type and JSON value."""
    if value is None:
        return "NULL_TYPE", None
    for kind, name in CELL_TYPES:
        if isinstance(value, kind):
            break
    else:
        return "STRING_TYPE", str(value)
    if name == "ARRAY_TYPE":
        cells = [typed_cell(item) for item in value]
        same_type(cell[0] for cell in cells)
        return name, [cell[1] for cell in cells]
    if name == "MAP_TYPE":
        cells = {str(key): typed_cell(item) for key, item in value.items()}
        same_type(cell[0] for cell in cells.values())
        return name, {key: cell[1] for key, cell in cells.items()}
    if name in ("TIMESTAMP_TYPE", "DATE_TYPE", "DECIMAL_TYPE"):
        return name, str(value)
    return name, json_value(value)


def same_type(names):
    if len(set(names) - {"NULL_TYPE"}) > 1:
        raise StatementError("TypeError", "table rows have different types")


def row_items(row):
    if hasattr(row, "asDict"):
        row = row.asDict()
    if isinstance(row, dict):
        return sorted(row.items(), key=lambda item: str(item[0]))
    if isinstance(row, (list, tuple)):
        return list(enumerate(row))
    return [(0, row)]


class Magics(object):
    def __init__(self, names):
        self.names = names

    def run(self, line):
        name, _, rest = line[1:].strip().partition(" ")
        if not name:
            raise StatementError("UnknownMagic", "magic command not specified")
        command = getattr(self, "magic_" + name, None)
        if command is None:
            raise StatementError("UnknownMagic", "unknown magic command '%s'" % name)
        rest = rest.strip()
        if rest not in self.names:
            raise StatementError("KeyError", repr(rest))
        return command(self.names[rest])

    def magic_json(self, value):
        return {"application/json": json_value(value)}

    def magic_table(self, value):
        rows = value if isinstance(value, (list, tuple)) else [value]
        types, data = {}, []
        for row in rows:
            cells = []
            for name, value in row_items(row):
                kind, cell = typed_cell(value)
                known = types.setdefault(name, kind)
                if known == "NULL_TYPE":
                    types[name] = kind
                else:
                    same_type((known, kind))
                cells.append(cell)
            data.append(cells)
        names = sorted(types, key=lambda name: name if isinstance(name, int) else str(name))
        headers = [{"name": str(name), "type": types[name]} for name in names]
        return {"application/vnd.livy.table.v1+json": {"headers": headers, "data": data}}

    def magic_matplot(self, value):
        picture = io.BytesIO()
        value.gcf().savefig(picture, format="png")
        return {"image/png": base64.b64encode(picture.getvalue()).decode(), "text/plain": ""}


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
        nodes, plain = [], []
        for line in code.split("\n") + ["%"]:
            if not line.startswith("%"):
                plain.append(line)
                continue
            if any(text.strip() for text in plain):
                nodes.append(ast.parse("\n".join(plain), SOURCE))
            plain = []
            nodes.append(line)
        return nodes[:-1]

    def run_tree(self, tree):
        """Only the last statement runs as if typed, which shows the value of an expression."""
        body = tree.body
        if len(body) > 1:
            before = ast.Module(body=body[:-1], type_ignores=[])
            exec(compile(before, SOURCE, "exec"), self.names)
        if body:
            exec(compile(ast.Interactive(body=body[-1:]), SOURCE, "single"), self.names)

    def execute(self, code):
        try:
            nodes = self.split(code)
        except Exception:
            # ValueError: a null byte; RecursionError, MemoryError: too deeply nested.
            kind, value, _ = sys.exc_info()
            lines = traceback.format_exception_only(kind, value)
            return error(kind.__name__, str(value), lines)
        data = {}
        try:
            for node in nodes:
                if isinstance(node, str):
                    data = self.magics.run(node)
                else:
                    data = {}
                    self.run_tree(node)
        except StatementError as failure:
            return failure.reply
        except BaseException:
            return current_error()
        return {"data": data}

    def complete(self, code, cursor):
        import rlcompleter
        begin = cursor
        while begin > 0 and (code[begin - 1].isalnum() or code[begin - 1] in "._"):
            begin -= 1
        completer, found = rlcompleter.Completer(self.names), []
        while len(found) < COMPLETIONS_MAX:
            name = completer.complete(code[begin:cursor], len(found))
            if name is None:
                break
            found.append(name)
        return {"candidates": found}

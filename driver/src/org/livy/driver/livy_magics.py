"""%json, %table and %matplot: values as Livy shows them. See livy_statements.py."""
import base64
import datetime
import decimal
import io
import math

RDD_ITEMS_MAX = 10
# Bounds of a value: characters of JSON, what a value takes of them besides its text, and levels.
CHARS_MAX = 16 << 20
VALUE_CHARS = 8
DEPTH_MAX = 200
TABLE = "application/vnd.livy.table.v1+json"


class StatementError(Exception):
    """An error of the statement that is none of Python's own."""

    def __init__(self, ename, evalue):
        super(StatementError, self).__init__(evalue)
        self.reply = error(ename, evalue, ["%s: %s\n" % (ename, evalue)])


def error(ename, evalue, lines):
    return {"ename": ename, "evalue": evalue, "traceback": lines}


def is_a(value, module, name):
    """Whether it is of a class of a library that needs not be there."""
    return any(base.__name__ == name and base.__module__.startswith(module)
               for base in type(value).__mro__)


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
# The types of a DataFrame's columns; all others are texts.
COLUMN_TYPES = {
    "byte": "INT_TYPE", "short": "INT_TYPE", "integer": "INT_TYPE", "long": "INT_TYPE",
    "float": "DOUBLE_TYPE", "double": "DOUBLE_TYPE", "decimal": "DECIMAL_TYPE",
    "boolean": "BOOLEAN_TYPE", "date": "DATE_TYPE", "timestamp": "TIMESTAMP_TYPE",
    "timestamp_ntz": "TIMESTAMP_TYPE", "array": "ARRAY_TYPE", "binary": "ARRAY_TYPE",
    "map": "MAP_TYPE", "struct": "MAP_TYPE", "void": "NULL_TYPE",
}
TEXTS = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal)


class Tree(object):
    """Turns one value into what JSON can hold: NaN and infinity are null, times are texts."""

    def __init__(self, rows_are_objects=False):
        self.rows_are_objects = rows_are_objects
        self.room = CHARS_MAX
        self.depth = 0

    def take(self, chars):
        self.room -= chars
        if self.room < 0:
            raise StatementError("ValueError", "The value is too large for an output")

    def of(self, value):
        self.take(VALUE_CHARS)
        if isinstance(value, float):
            return float(value) if math.isfinite(value) else None
        if value is None or isinstance(value, (bool, int)):
            return value
        if isinstance(value, (str,) + TEXTS):
            text = str(value)
            self.take(len(text))
            return text
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise StatementError("ValueError", "The value has more than %d levels" % DEPTH_MAX)
        tree = self.of_container(value)
        self.depth -= 1
        return tree

    def of_container(self, value):
        if isinstance(value, dict):
            return {self.name(name): self.of(item) for name, item in value.items()}
        if self.rows_are_objects and hasattr(value, "__fields__"):
            if len(set(value.__fields__)) == len(value):
                return dict(zip(value.__fields__, [self.of(item) for item in value]))
        if isinstance(value, (list, tuple)):
            return [self.of(item) for item in value]
        if self.rows_are_objects and isinstance(value, (bytes, bytearray)):
            return [byte - 256 if byte > 127 else byte for byte in value]
        if type(value).__module__.partition(".")[0] == "numpy" and hasattr(value, "tolist"):
            return self.of(value.tolist())
        if self.rows_are_objects:
            return str(value)
        raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)

    def name(self, name):
        """As in Python's own JSON."""
        if name is None or isinstance(name, bool):
            return {None: "null", True: "true", False: "false"}[name]
        text = str(name)
        self.take(len(text))
        return text

    def cell(self, value):
        """A table cell's Livy type and JSON value."""
        if value is None:
            return "NULL_TYPE", None
        if type(value).__module__.partition(".")[0] == "numpy" and hasattr(value, "tolist"):
            return self.cell(value.tolist())
        for kind, name in CELL_TYPES:
            if isinstance(value, kind):
                break
        else:
            return "STRING_TYPE", self.of(str(value))
        if name not in ("ARRAY_TYPE", "MAP_TYPE"):
            return name, self.of(value)
        self.depth += 1
        if self.depth > DEPTH_MAX:
            raise StatementError("ValueError", "The value has more than %d levels" % DEPTH_MAX)
        if name == "ARRAY_TYPE":
            cells = [self.cell(item) for item in value]
            same_type(cell[0] for cell in cells)
            tree = [cell[1] for cell in cells]
        else:
            cells = {self.name(key): self.cell(item) for key, item in value.items()}
            same_type(cell[0] for cell in cells.values())
            tree = {key: cell[1] for key, cell in cells.items()}
        self.depth -= 1
        return name, tree


def same_type(names):
    if len(set(names) - {"NULL_TYPE"}) > 1:
        raise StatementError("TypeError", "table rows have different types")


class Rows(object):
    """A table of what a program has at hand, whose columns are sorted by their names."""

    def __init__(self):
        self.tree = Tree()
        self.types = {}
        self.rows = []

    def add(self, row):
        if hasattr(row, "asDict"):
            row = row.asDict()
        if isinstance(row, dict):
            items = sorted(row.items(), key=lambda item: str(item[0]))
        elif isinstance(row, (list, tuple)):
            items = list(enumerate(row))
        else:
            items = [(0, row)]
        cells = {}
        for name, value in items:
            kind, cells[name] = self.tree.cell(value)
            known = self.types.setdefault(name, kind)
            if known == "NULL_TYPE":
                self.types[name] = kind
            else:
                same_type((known, kind))
        self.rows.append((isinstance(row, dict), cells))

    def table(self):
        names = sorted(self.types, key=lambda name: (
            (0, name, "") if isinstance(name, int) else (1, 0, str(name))))
        headers = [{"name": str(name), "type": self.types[name]} for name in names]
        # Rows of lists stay as they are, as in Livy; others get null for what they do not have.
        data = [[cells.get(name) for name in names] if named else list(cells.values())
                for named, cells in self.rows]
        return {TABLE: {"headers": headers, "data": data}}


class Magics(object):
    """Runs magic lines, which name a value among `names` or are an expression."""

    def __init__(self, names, source="<stdin>"):
        self.names = names
        self.source = source

    def run(self, line, rows_max):
        """The answer to a statement that ends with the line."""
        words = line[1:].split(None, 1)
        if not words:
            raise StatementError("UnknownMagic", "magic command not specified")
        if words[0] not in ("json", "table", "matplot"):
            raise StatementError("UnknownMagic", "unknown magic command '%s'" % words[0])
        if len(words) == 1:
            raise StatementError("ValueError", "%%%s needs the name of a value" % words[0])
        value = self.value(words[1].strip())
        if words[0] == "matplot":
            return {"data": self.matplot(value)}
        value, cut = self.first(value, rows_max)
        data = self.json(value) if words[0] == "json" else self.table(value)
        return {"data": data, "truncated": True} if cut else {"data": data}

    def value(self, text):
        if text in self.names:
            return self.names[text]
        if text.isidentifier():
            raise StatementError("KeyError", repr(text))
        return eval(compile(text, self.source, "eval"), self.names)

    def first(self, value, rows_max):
        """The value, of a DataFrame or an RDD its first rows, and whether it has more."""
        if is_a(value, "pyspark.sql", "DataFrame"):
            return Frame.of_spark(value, rows_max)
        if is_a(value, "pandas", "DataFrame"):
            return Frame.of_pandas(value, rows_max)
        if is_a(value, "pyspark", "RDD"):
            items = value.take(RDD_ITEMS_MAX + 1)
            return items[:RDD_ITEMS_MAX], len(items) > RDD_ITEMS_MAX
        return value, False

    def json(self, value):
        tree = value.objects() if isinstance(value, Frame) else Tree().of(value)
        return {"application/json": tree}

    def table(self, value):
        if isinstance(value, Frame):
            return value.table()
        rows = Rows()
        if type(value).__module__.partition(".")[0] == "numpy" and hasattr(value, "tolist"):
            value = value.tolist()
        for row in value if isinstance(value, (list, tuple)) else [value]:
            rows.add(row)
        return rows.table()

    def matplot(self, value):
        picture = io.BytesIO()
        figure = value.gcf() if hasattr(value, "gcf") else value
        figure.savefig(picture, format="png")
        return {"image/png": base64.b64encode(picture.getvalue()).decode(), "text/plain": ""}


class Frame(object):
    """The first rows of a DataFrame, whose columns keep their order."""

    def __init__(self, names, types, rows):
        self.names = names
        self.types = types
        self.tree = Tree(rows_are_objects=True)
        self.rows = [[self.tree.of(cell) for cell in row] for row in rows]

    @staticmethod
    def of_spark(frame, rows_max):
        rows = frame.take(rows_max + 1)
        types = [COLUMN_TYPES.get(field.dataType.typeName(), "STRING_TYPE")
                 for field in frame.schema.fields]
        return Frame(frame.columns, types, rows[:rows_max]), len(rows) > rows_max

    @staticmethod
    def of_pandas(frame, rows_max):
        head = frame.head(rows_max)
        parts = head.astype(object).where(head.notna(), None).to_dict("split")
        names = [str(name) for name in parts["columns"]]
        types = []
        for column in zip(*parts["data"]):
            kinds = {Tree().cell(value)[0] for value in column}
            kinds -= {"NULL_TYPE"}
            types.append(kinds.pop() if len(kinds) == 1 else "STRING_TYPE")
        types += ["NULL_TYPE"] * (len(names) - len(types))
        return Frame(names, types, parts["data"]), len(frame) > rows_max

    def objects(self):
        unique = len(set(self.names)) == len(self.names)
        return [dict(zip(self.names, row)) if unique else row for row in self.rows]

    def table(self):
        headers = [{"name": name, "type": kind} for name, kind in zip(self.names, self.types)]
        return {TABLE: {"headers": headers, "data": self.rows}}

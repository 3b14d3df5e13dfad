"""Completion of Python names, without running the user's code. See python_bootstrap.py."""
import builtins
import inspect
import keyword
import re
import types

CANDIDATES_MAX = 500
# The names before the last dot, and what of the last name is there.
TAIL = re.compile(r"((?:[^\W\d]\w*\.)*)([^\W\d]\w*)?$")
NOT_BEFORE = re.compile(r"[\w.)\]}\"']$")


class Unknown(Exception):
    """A value that only the user's code could tell."""


def complete(text, names):
    """What the last name of `text` may become, as Python's prompt shows it: with the names before
    it, and a bracket after what can be called."""
    line = text.rpartition("\n")[2]
    match = TAIL.search(line)
    path, prefix = match.group(1), match.group(2) or ""
    if NOT_BEFORE.search(line[:match.start()]) or not (path or prefix):
        return []
    try:
        found = members(path, names) if path else everything(names)
    except Unknown:
        return []
    hidden = "_" if not prefix else "__" if prefix == "_" else None
    fitting = sorted(name for name in found
                     if name.startswith(prefix) and not (hidden and name.startswith(hidden)))
    return [path + name + ("(" if is_callable(found[name]) else "")
            for name in fitting[:CANDIDATES_MAX]]


def everything(names):
    found = {name: None for name in keyword.kwlist}
    found.update(vars(builtins))
    found.update(texts(names))
    return found


def members(path, names):
    """What the value of a dotted path has."""
    first, *rest = path[:-1].split(".")
    scope = everything(names)
    if first not in scope or keyword.iskeyword(first):
        raise Unknown()
    value = scope[first]
    for name in rest:
        value = attribute(value, name)
    found = {}
    for kind in reversed(type.mro(value) if isinstance(value, type) else type(value).__mro__):
        found.update(texts(type.__getattribute__(kind, "__dict__")))
    if not isinstance(value, type):
        found.update(own(value))
    return found


def own(value):
    try:
        return texts(object.__getattribute__(value, "__dict__"))
    except AttributeError:
        return {}


def texts(members):
    # A statement that runs may change it at any time; this copies it at once.
    return {name: value for name, value in list(members.items()) if isinstance(name, str)}


def attribute(value, name):
    """The attribute's value where it is plain to see; that of a property is not."""
    if not isinstance(value, type) and name in own(value):
        return own(value)[name]
    try:
        found = inspect.getattr_static(value, name)
    except AttributeError:
        raise Unknown()
    if isinstance(found, (staticmethod, classmethod)):
        return found.__func__
    plain = isinstance(found, (types.FunctionType, types.BuiltinFunctionType, type))
    if not plain and hasattr(type(found), "__get__"):
        raise Unknown()
    return found


def is_callable(value):
    return isinstance(value, (staticmethod, classmethod)) or callable(value)

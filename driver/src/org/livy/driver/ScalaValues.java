package org.livy.driver;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/** Scala's collections and functions, seen from Java without its library. */
final class ScalaValues {
    private ScalaValues() {}

    static Object list(List<?> items) {
        Object list = Reflect.module("scala.collection.immutable.Nil");
        for (int i = items.size() - 1; i >= 0; i--) {
            list = Reflect.call(list, "$colon$colon", items.get(i));
        }
        return list;
    }

    /** The items of a collection or of what is left of an iterator. */
    static List<Object> items(Object iterable) {
        List<Object> items = new ArrayList<>();
        Object iterator = Reflect.type("scala.collection.Iterator").isInstance(iterable)
                ? iterable
                : Reflect.call(iterable, "iterator");
        while ((Boolean) Reflect.call(iterator, "hasNext")) {
            items.add(Reflect.call(iterator, "next"));
        }
        return items;
    }

    /** What an Option holds, or null. */
    static Object orNull(Object option) {
        return (Boolean) Reflect.call(option, "isDefined") ? Reflect.call(option, "get") : null;
    }

    /** A by-name argument. */
    static Object function0(Callable<?> body) {
        Class<?> type = Reflect.type("scala.Function0");
        return Proxy.newProxyInstance(
                type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    switch (method.getName()) {
                        case "hashCode":
                            return System.identityHashCode(self);
                        case "equals":
                            return self == arguments[0];
                        case "toString":
                            return "Function0";
                        default:
                            return body.call();
                    }
                });
    }
}

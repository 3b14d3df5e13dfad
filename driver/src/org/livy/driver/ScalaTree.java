package org.livy.driver;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * Scala's values as trees of maps, lists, texts, numbers and booleans, in the forms that Livy gives
 * them: a case class and a tuple are objects of their fields. For one value; not for several
 * threads.
 */
final class ScalaTree {
    /** The value is too large, too deep, or has no form. */
    static final class NoTree extends RuntimeException {
        private static final long serialVersionUID = 1L;
        final boolean tooLarge;

        NoTree(boolean tooLarge) {
            super(null, null, false, false);
            this.tooLarge = tooLarge;
        }
    }

    private static final int DEPTH_MAX = 200;
    /** What a node takes of the room, besides its text: about its memory. */
    private static final int NODE_CHARS = 8;

    /** Classes of Java whose values are texts. */
    private static final Pattern TEXTS =
            Pattern.compile("java\\.(time|sql|net\\.UR[IL]$|util\\.UUID$)");

    private static Object mapper;

    private final SqlValues rows = SqlValues.chosen();
    private int room = StatementQueue.OUTPUT_CHARS_MAX;
    private int depth;

    /** Throws {@link NoTree} if the value has no tree. */
    Object of(Object value) {
        take(NODE_CHARS);
        if (value == null || value instanceof Boolean) {
            return value;
        } else if (value instanceof Number) {
            return number((Number) value);
        } else if (value instanceof CharSequence || value instanceof Character) {
            take(value.toString().length());
            return value.toString();
        }
        if (++depth > DEPTH_MAX) {
            throw new NoTree(false);
        }
        Object tree = ofObject(value);
        depth--;
        return tree;
    }

    /** The rows of a table: a list's items, or one row if the value is no list. */
    List<Object> ofRows(Object value) {
        List<Object> rows = new ArrayList<>();
        if (value != null && isList(value)) {
            each(value, row -> rows.add(ofRow(row)));
        } else {
            rows.add(ofRow(value));
        }
        return rows;
    }

    /** A row of a table, in which a tuple is its fields whatever they hold. */
    private Object ofRow(Object row) {
        if (row == null || !row.getClass().getName().startsWith("scala.Tuple")) {
            return of(row);
        }
        Map<String, Object> members = new LinkedHashMap<>();
        for (String name : fields(row)) {
            members.put(name, of(Reflect.call(row, "productElement", members.size())));
        }
        return members;
    }

    private void take(int chars) {
        room -= chars;
        if (room < 0) {
            throw new NoTree(true);
        }
    }

    private static Object number(Number number) {
        if (number instanceof Float) {
            return number.doubleValue();
        } else if (number instanceof Double || number instanceof BigDecimal
                || number instanceof BigInteger) {
            return number;
        }
        switch (number.getClass().getName()) {
            case "scala.math.BigDecimal":
                return Reflect.call(number, "bigDecimal");
            case "scala.math.BigInt":
                return Reflect.call(number, "bigInteger");
            default:
                return number.longValue();
        }
    }

    private Object ofObject(Object value) {
        if (value instanceof Map) {
            Map<String, Object> members = new LinkedHashMap<>();
            ((Map<?, ?>) value).forEach((name, member) -> put(members, name, member));
            return members;
        } else if (is(value, "scala.collection.Map")) {
            Map<String, Object> members = new LinkedHashMap<>();
            each(value,
                    entry -> put(members, Reflect.call(entry, "_1"), Reflect.call(entry, "_2")));
            return members;
        } else if (isList(value)) {
            List<Object> items = new ArrayList<>();
            each(value, item -> items.add(of(item)));
            return items;
        } else if (value.getClass() == Date.class) {
            return rows.value(((Date) value).toInstant());
        } else if (value instanceof Enum || is(value, "scala.Enumeration$Value")) {
            return value.toString();
        } else if (TEXTS.matcher(value.getClass().getName()).lookingAt()) {
            return rows.value(value).toString();
        }
        return ofScala(value);
    }

    private Object ofScala(Object value) {
        if (is(value, "org.apache.spark.sql.Row")) {
            return rows.struct(value);
        } else if (is(value, "scala.Option")) {
            return of(ScalaValues.orNull(value));
        } else if (is(value, "scala.util.Either")) {
            return of(Reflect.call(value, "productElement", 0));
        } else if (is(value, "scala.Symbol")) {
            return Reflect.call(value, "name");
        }
        return is(value, "scala.Product") ? product(value) : bean(value);
    }

    private static boolean isList(Object value) {
        return value.getClass().isArray() || value instanceof Collection
                || is(value, "scala.collection.Iterator")
                || is(value, "scala.collection.Iterable") && !is(value, "scala.collection.Map");
    }

    private static boolean is(Object value, String type) {
        return Reflect.type(type).isInstance(value);
    }

    /** One item at a time, because there may be no end of them. */
    private static void each(Object list, Consumer<Object> consumer) {
        if (list.getClass().isArray()) {
            for (int i = 0; i < Array.getLength(list); i++) {
                consumer.accept(Array.get(list, i));
            }
            return;
        } else if (list instanceof Collection) {
            ((Collection<?>) list).forEach(consumer);
            return;
        }
        Object iterator =
                is(list, "scala.collection.Iterator") ? list : Reflect.call(list, "iterator");
        while ((Boolean) Reflect.call(iterator, "hasNext")) {
            consumer.accept(Reflect.call(iterator, "next"));
        }
    }

    private void put(Map<String, Object> members, Object name, Object member) {
        String text = String.valueOf(name);
        take(text.length());
        // A missing option is a missing member, as in Livy.
        if (member == null || !member.getClass().getName().equals("scala.None$")) {
            members.put(text, of(member));
        }
    }

    /** A pair whose first is a text is a name and a value, as in Livy. */
    private Map<String, Object> product(Object product) {
        Map<String, Object> members = new LinkedHashMap<>();
        if (is(product, "scala.Tuple2") && Reflect.call(product, "_1") instanceof String) {
            put(members, Reflect.call(product, "_1"), Reflect.call(product, "_2"));
            return members;
        }
        List<String> names = fields(product);
        for (int i = 0; i < names.size(); i++) {
            put(members, names.get(i), Reflect.call(product, "productElement", i));
        }
        return members;
    }

    /** Of a case class; a tuple's are {@code _1} and so on, whatever its class calls them. */
    private static List<String> fields(Object product) {
        int arity = (Integer) Reflect.call(product, "productArity");
        boolean tuple = product.getClass().getName().startsWith("scala.Tuple");
        List<String> names = new ArrayList<>();
        for (Field field : tuple ? new Field[0] : product.getClass().getDeclaredFields()) {
            boolean own = !Modifier.isStatic(field.getModifiers()) && !field.isSynthetic()
                    && !field.getName().equals("$outer");
            if (own && names.size() < arity) {
                names.add((String) Reflect.call(Reflect.module("scala.reflect.NameTransformer"),
                        "decode", field.getName()));
            }
        }
        while (names.size() < arity) {
            names.add("_" + (names.size() + 1));
        }
        return names;
    }

    /** Other classes by their getters, as the jackson in Spark's jars sees them. */
    private Object bean(Object value) {
        try {
            String json = (String) Reflect.call(mapper(), "writeValueAsString", value);
            take(json.length());
            return JsonReader.read(json);
        } catch (NoTree tooLarge) {
            throw tooLarge;
        } catch (Exception | LinkageError | StackOverflowError unconvertible) {
            throw new NoTree(false);
        }
    }

    private static synchronized Object mapper() {
        if (mapper == null) {
            mapper = Reflect.create(Reflect.type("com.fasterxml.jackson.databind.ObjectMapper"));
            Reflect.call(mapper, "registerModule",
                    Reflect.module("com.fasterxml.jackson.module.scala.DefaultScalaModule"));
        }
        return mapper;
    }
}

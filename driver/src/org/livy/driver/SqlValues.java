package org.livy.driver;

import java.time.Instant;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Values of rows in Livy's JSON forms. Different from Livy: a struct is an object of its fields,
 * where Livy shows the insides of a Row, and intervals are text, where Livy fails.
 */
final class SqlValues {
    private SqlValues() {}

    static List<Object> row(Object row) {
        List<Object> cells = new ArrayList<>();
        int count = (Integer) Reflect.call(row, "length");
        for (int i = 0; i < count; i++) {
            cells.add(value(Reflect.call(row, "get", i)));
        }
        return cells;
    }

    static Object value(Object value) {
        if (value == null || value instanceof Boolean || value instanceof String) {
            return value;
        } else if (value instanceof Number) {
            return number((Number) value);
        } else if (value instanceof byte[]) {
            return bytes((byte[]) value);
        } else if (value instanceof java.sql.Timestamp) {
            return timestamp(((java.sql.Timestamp) value).toInstant());
        } else if (value instanceof Instant) {
            return timestamp((Instant) value);
        } else if (!value.getClass().getName().startsWith("java.")) {
            return nested(value);
        }
        return value.toString();
    }

    /** Floats are widened and decimals go by way of a double, as in Livy. */
    private static Object number(Number number) {
        if (number instanceof Float || number instanceof java.math.BigDecimal) {
            return number.doubleValue();
        }
        return number;
    }

    /** Signed numbers, as in Livy. */
    private static List<Object> bytes(byte[] bytes) {
        List<Object> numbers = new ArrayList<>(bytes.length);
        for (byte b : bytes) {
            numbers.add((int) b);
        }
        return numbers;
    }

    private static String timestamp(Instant instant) {
        return DateTimeFormatter.ISO_INSTANT.format(instant.truncatedTo(ChronoUnit.SECONDS));
    }

    private static Object nested(Object value) {
        if (Reflect.type("org.apache.spark.sql.Row").isInstance(value)) {
            return struct(value);
        } else if (Reflect.type("scala.collection.Map").isInstance(value)) {
            Map<String, Object> members = new LinkedHashMap<>();
            for (Object entry : ScalaValues.items(value)) {
                members.put(String.valueOf(value(Reflect.call(entry, "_1"))),
                        value(Reflect.call(entry, "_2")));
            }
            return members;
        } else if (Reflect.type("scala.collection.Seq").isInstance(value)) {
            List<Object> items = new ArrayList<>();
            for (Object item : ScalaValues.items(value)) {
                items.add(value(item));
            }
            return items;
        }
        return value.toString();
    }

    private static Object struct(Object row) {
        Object schema = Reflect.call(row, "schema");
        if (schema == null) {
            return row(row);
        }
        List<Object> cells = row(row);
        Map<String, Object> members = new LinkedHashMap<>();
        for (String name : (String[]) Reflect.call(schema, "fieldNames")) {
            members.put(name, cells.get(members.size()));
        }
        return members;
    }
}

package org.livy.driver;

import java.math.BigDecimal;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Values of rows as JSON, in Livy's forms or in forms that lose nothing; docs/rest.md has the table
 * of both. Different from Livy: a struct is an object of its fields, where Livy shows the insides
 * of a Row, and intervals are text, where Livy fails.
 */
final class SqlValues {
    /** A setting of the Spark session, so that {@code SET} changes it. */
    static final String SETTING = "spark.livy.driver.sqlValues";

    private static final String VARIANT = "org.apache.spark.unsafe.types.VariantVal";

    private final boolean exact;

    private SqlValues(boolean exact) {
        this.exact = exact;
    }

    /** The forms of this name: livy or exact. */
    static SqlValues named(String name) {
        if (!name.equals("livy") && !name.equals("exact")) {
            throw new IllegalArgumentException(SETTING + " is neither livy nor exact: " + name);
        }
        return new SqlValues(name.equals("exact"));
    }

    /** The forms that the Spark session has chosen. */
    static SqlValues chosen() {
        Object conf = Reflect.call(SparkAccess.session(), "conf");
        return named((String) Reflect.call(conf, "get", SETTING, "livy"));
    }

    /** A row's values in the order of its columns, whose names may be equal. */
    List<Object> row(Object row) {
        List<Object> cells = new ArrayList<>();
        int count = (Integer) Reflect.call(row, "length");
        for (int i = 0; i < count; i++) {
            cells.add(value(Reflect.call(row, "get", i)));
        }
        return cells;
    }

    Object value(Object value) {
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
        } else if (value instanceof LocalDateTime) {
            return DateTimeFormatter.ISO_LOCAL_DATE_TIME.format((LocalDateTime) value);
        } else if (value instanceof LocalTime) {
            return DateTimeFormatter.ISO_LOCAL_TIME.format((LocalTime) value);
        } else if (!value.getClass().getName().startsWith("java.")) {
            return nested(value);
        }
        return value.toString();
    }

    /** In Livy floats are widened and decimals go by way of a double. */
    private Object number(Number number) {
        if (!exact) {
            boolean widened = number instanceof Float || number instanceof BigDecimal;
            return widened ? (Number) number.doubleValue() : number;
        } else if (number instanceof BigDecimal) {
            return ((BigDecimal) number).toPlainString();
        }
        boolean finite =
                !Double.isNaN(number.doubleValue()) && !Double.isInfinite(number.doubleValue());
        return finite ? number : number.toString();
    }

    /** Signed numbers, as in Livy. */
    private static List<Object> bytes(byte[] bytes) {
        List<Object> numbers = new ArrayList<>(bytes.length);
        for (byte b : bytes) {
            numbers.add((int) b);
        }
        return numbers;
    }

    private String timestamp(Instant instant) {
        return DateTimeFormatter.ISO_INSTANT.format(
                exact ? instant : instant.truncatedTo(ChronoUnit.SECONDS));
    }

    private Object nested(Object value) {
        if (Reflect.type("org.apache.spark.sql.Row").isInstance(value)) {
            return struct(value);
        } else if (Reflect.type("scala.collection.Map").isInstance(value)) {
            Map<String, Object> members = new LinkedHashMap<>();
            for (Object entry : ScalaValues.items(value)) {
                members.put(
                        key(value(Reflect.call(entry, "_1"))), value(Reflect.call(entry, "_2")));
            }
            return members;
        } else if (Reflect.type("scala.collection.Seq").isInstance(value)) {
            List<Object> items = new ArrayList<>();
            for (Object item : ScalaValues.items(value)) {
                items.add(value(item));
            }
            return items;
        }
        // A variant's text is JSON already.
        return value.getClass().getName().equals(VARIANT) ? new Json.Raw(value.toString())
                                                          : value.toString();
    }

    /** A key of a map as text: of a struct or an array its JSON. */
    private static String key(Object value) {
        return value instanceof Map || value instanceof List ? Json.write(value)
                                                             : String.valueOf(value);
    }

    /** An object; a list if its fields have no names of their own. */
    Object struct(Object row) {
        List<Object> cells = row(row);
        Object schema = Reflect.call(row, "schema");
        String[] names =
                schema == null ? new String[0] : (String[]) Reflect.call(schema, "fieldNames");
        if (names.length != cells.size()
                || new HashSet<>(Arrays.asList(names)).size() != names.length) {
            return cells;
        }
        Map<String, Object> members = new LinkedHashMap<>();
        for (int i = 0; i < names.length; i++) {
            members.put(names[i], cells.get(i));
        }
        return members;
    }
}

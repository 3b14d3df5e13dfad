package org.livy.driver;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Livy's %json NAME and %table NAME, by the jackson-module-scala in Spark's jars. */
final class ScalaMagics {
    private static final int RDD_ROWS_MAX = 10;
    private static final Pattern MAGIC = Pattern.compile("%[a-zA-Z]\\w*(\\s.*)?");
    private static final String QUOTES = "\"\"\"";

    private static Object mapper;

    private ScalaMagics() {}

    static boolean isMagic(String block) {
        return MAGIC.matcher(block).matches();
    }

    /** Blocks of ordinary lines, and magic lines between them. Text within quotes is ordinary. */
    static List<String> split(String code) {
        List<String> blocks = new ArrayList<>();
        StringBuilder ordinary = new StringBuilder();
        boolean quoted = false;
        for (String line : code.split("\n", -1)) {
            if (!quoted && isMagic(line)) {
                flush(ordinary, blocks);
                blocks.add(line.trim());
            } else {
                ordinary.append(line).append('\n');
                quoted ^= line.split(QUOTES, -1).length % 2 == 0;
            }
        }
        flush(ordinary, blocks);
        return blocks;
    }

    private static void flush(StringBuilder ordinary, List<String> blocks) {
        if (!ordinary.toString().trim().isEmpty()) {
            blocks.add(ordinary.toString());
        }
        ordinary.setLength(0);
    }

    /** Runs a magic line; {@code valueOf} gives a name's value, or null if there is none. */
    static Result run(String line, Function<String, Object> valueOf) {
        String[] words = line.substring(1).trim().split("\\s+", 2);
        if (!words[0].equals("json") && !words[0].equals("table")) {
            return Result.error("UnknownMagic", "Unknown magic command " + words[0]);
        }
        String name = words.length > 1 ? words[1].trim() : "";
        Object value = name.isEmpty() ? null : valueOf.apply(name);
        if (value == null) {
            return Result.error("NameError", "Value " + name + " does not exist");
        }
        boolean rdd = Reflect.type("org.apache.spark.rdd.RDD").isInstance(value);
        Object shown = rdd ? Reflect.call(value, "take", RDD_ROWS_MAX) : value;
        try {
            return words[0].equals("json")
                    ? Result.ok("application/json", new Json.Raw(toJson(shown)))
                    : table(rows(shown));
        } catch (Exception | LinkageError | StackOverflowError unconvertible) {
            return Result.error("ValueError", "Failed to convert value into a JSON value");
        }
    }

    private static synchronized String toJson(Object value) {
        if (mapper == null) {
            mapper = Reflect.create(Reflect.type("com.fasterxml.jackson.databind.ObjectMapper"));
            Reflect.call(mapper, "registerModule",
                    Reflect.module("com.fasterxml.jackson.module.scala.DefaultScalaModule"));
        }
        return (String) Reflect.call(mapper, "writeValueAsString", value);
    }

    /** A table's rows as JSON values. Jackson makes lists of tuples; Livy shows their names. */
    private static Object rows(Object value) {
        if (!Reflect.type("scala.collection.Seq").isInstance(value)) {
            return JsonReader.read(toJson(value));
        }
        List<Object> rows = new ArrayList<>();
        for (Object row : ScalaValues.items(value)) {
            if (row == null || !row.getClass().getName().startsWith("scala.Tuple")) {
                rows.add(JsonReader.read(toJson(row)));
                continue;
            }
            Map<String, Object> cells = new TreeMap<>(ScalaMagics::compareNames);
            for (Object cell : ScalaValues.items(Reflect.call(row, "productIterator"))) {
                cells.put("_" + (cells.size() + 1), JsonReader.read(toJson(cell)));
            }
            rows.add(cells);
        }
        return rows;
    }

    static Result table(Object value) {
        List<?> rows = value instanceof List ? (List<?>) value : Collections.singletonList(value);
        Map<String, Map<String, Object>> headers = new TreeMap<>(ScalaMagics::compareNames);
        List<Object> data = new ArrayList<>();
        for (Object row : rows) {
            Map<String, Object> columns = columns(row);
            for (Map.Entry<String, Object> column : columns.entrySet()) {
                String type = type(column.getValue());
                String name = column.getKey();
                Map<String, Object> header =
                        headers.computeIfAbsent(name, k -> Json.object("type", type, "name", k));
                if (!header.get("type").equals(type)) {
                    return Result.error("TypeError", "table rows have different types");
                }
            }
            data.add(new ArrayList<>(columns.values()));
        }
        return Result.ok("application/vnd.livy.table.v1+json",
                Json.object("headers", headers.values(), "data", data));
    }

    /** Numbered columns go by their numbers, so that 10 comes after 9. */
    private static int compareNames(String a, String b) {
        boolean numbers = !a.isEmpty() && !b.isEmpty() && Character.isDigit(a.charAt(0))
                && Character.isDigit(b.charAt(0)) && a.length() != b.length();
        return numbers ? Integer.compare(a.length(), b.length()) : a.compareTo(b);
    }

    private static Map<String, Object> columns(Object row) {
        Map<String, Object> columns = new TreeMap<>(ScalaMagics::compareNames);
        if (row instanceof Map) {
            ((Map<?, ?>) row).forEach((name, cell) -> columns.put((String) name, cell));
        } else if (row instanceof List) {
            for (Object cell : (List<?>) row) {
                columns.put(String.valueOf(columns.size()), cell);
            }
        } else {
            columns.put("0", row);
        }
        return columns;
    }

    private static String type(Object value) {
        if (value == null) {
            return "NULL_TYPE";
        } else if (value instanceof Boolean) {
            return "BOOLEAN_TYPE";
        } else if (value instanceof String) {
            return "STRING_TYPE";
        } else if (value instanceof Double) {
            return "DOUBLE_TYPE";
        } else if (value instanceof List) {
            return "ARRAY_TYPE";
        }
        return value instanceof Map ? "MAP_TYPE" : "BIGINT_TYPE";
    }
}

package org.livy.driver;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Livy's tables: columns with a name and a type, and rows. */
final class LivyTable {
    /** A column, a list or a map has values of different types. */
    private static final class MixedTypes extends RuntimeException {
        private static final long serialVersionUID = 1L;

        MixedTypes() {
            super(null, null, false, false);
        }
    }

    private static final String NULL = "NULL_TYPE";

    private LivyTable() {}

    /**
     * A table of rows that are maps, lists or single values. Columns are sorted by name. Rows of
     * lists stay as they are, as in Livy; those of maps get null for what they do not have.
     */
    static Result of(List<?> rows) {
        Map<String, String> types = new TreeMap<>(LivyTable::compareNames);
        List<Map<String, Object>> named = new ArrayList<>();
        try {
            for (Object row : rows) {
                Map<String, Object> cells = cells(row);
                cells.forEach((name, cell) -> types.merge(name, type(cell), LivyTable::common));
                named.add(cells);
            }
        } catch (MixedTypes mixed) {
            return Result.error("TypeError", "table rows have different types");
        }
        List<Object> data = new ArrayList<>();
        for (int i = 0; i < named.size(); i++) {
            data.add(rows.get(i) instanceof Map ? aligned(named.get(i), types.keySet())
                                                : named.get(i).values());
        }
        List<Object> headers = new ArrayList<>();
        types.forEach((name, type) -> headers.add(Json.object("type", type, "name", name)));
        return of(headers, data);
    }

    static Result of(List<Object> headers, List<Object> data) {
        return Result.ok("application/vnd.livy.table.v1+json",
                Json.object("headers", headers, "data", data));
    }

    private static List<Object> aligned(Map<String, Object> cells, Collection<String> names) {
        List<Object> row = new ArrayList<>();
        names.forEach(name -> row.add(cells.get(name)));
        return row;
    }

    private static Map<String, Object> cells(Object row) {
        Map<String, Object> cells = new LinkedHashMap<>();
        if (row instanceof Map) {
            ((Map<?, ?>) row).forEach((name, cell) -> cells.put((String) name, cell));
        } else if (row instanceof List) {
            ((List<?>) row).forEach(cell -> cells.put(String.valueOf(cells.size()), cell));
        } else {
            cells.put("0", row);
        }
        return cells;
    }

    /** The type of a column that SQL calls {@code typeName}. */
    static String typeOf(String typeName) {
        switch (typeName.replaceFirst("\\(.*", "")) {
            case "byte":
            case "short":
            case "integer":
            case "long":
                return "BIGINT_TYPE";
            case "float":
            case "double":
                return "DOUBLE_TYPE";
            case "decimal":
                return "DECIMAL_TYPE";
            case "boolean":
                return "BOOLEAN_TYPE";
            case "date":
                return "DATE_TYPE";
            case "timestamp":
            case "timestamp_ntz":
                return "TIMESTAMP_TYPE";
            case "array":
            case "binary":
                return "ARRAY_TYPE";
            case "map":
            case "struct":
                return "MAP_TYPE";
            case "void":
                return NULL;
            default:
                return "STRING_TYPE";
        }
    }

    /** Numbered columns go by their numbers, so that 10 comes after 9. */
    private static int compareNames(String a, String b) {
        boolean numbers = !a.isEmpty() && !b.isEmpty() && Character.isDigit(a.charAt(0))
                && Character.isDigit(b.charAt(0)) && a.length() != b.length();
        return numbers ? Integer.compare(a.length(), b.length()) : a.compareTo(b);
    }

    /** A null fits every type. */
    private static String common(String a, String b) {
        if (a.equals(b) || b.equals(NULL)) {
            return a;
        } else if (a.equals(NULL)) {
            return b;
        }
        throw new MixedTypes();
    }

    private static String type(Object value) {
        if (value == null) {
            return NULL;
        } else if (value instanceof Boolean) {
            return "BOOLEAN_TYPE";
        } else if (value instanceof String) {
            return "STRING_TYPE";
        } else if (value instanceof Double) {
            return "DOUBLE_TYPE";
        } else if (value instanceof BigDecimal) {
            return "DECIMAL_TYPE";
        } else if (value instanceof List) {
            checkSame((List<?>) value);
            return "ARRAY_TYPE";
        } else if (value instanceof Map) {
            checkSame(((Map<?, ?>) value).values());
            return "MAP_TYPE";
        }
        return "BIGINT_TYPE";
    }

    private static void checkSame(Collection<?> values) {
        String type = NULL;
        for (Object value : values) {
            type = common(type, type(value));
        }
    }
}

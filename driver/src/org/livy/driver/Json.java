package org.livy.driver;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Writes JSON. Maps become objects, iterables arrays, {@link Raw} passes through, everything that
 * is neither a number nor a boolean becomes its text.
 */
final class Json {
    /** Text that is JSON already. */
    static final class Raw {
        final String text;

        Raw(String text) {
            this.text = text;
        }
    }

    private Json() {}

    /** An object of the given names and values, in this order. */
    static Map<String, Object> object(Object... namesAndValues) {
        Map<String, Object> members = new LinkedHashMap<>();
        for (int i = 0; i < namesAndValues.length; i += 2) {
            members.put((String) namesAndValues[i], namesAndValues[i + 1]);
        }
        return members;
    }

    static String write(Object value) {
        StringBuilder to = new StringBuilder();
        write(to, value);
        return to.toString();
    }

    private static void write(StringBuilder to, Object value) {
        if (value == null || value instanceof Boolean) {
            to.append(value);
        } else if (value instanceof Raw) {
            to.append(((Raw) value).text);
        } else if (value instanceof Map) {
            writeObject(to, (Map<?, ?>) value);
        } else if (value instanceof Iterable) {
            writeArray(to, (Iterable<?>) value);
        } else if (value instanceof Number) {
            writeNumber(to, (Number) value);
        } else {
            quote(to, value.toString());
        }
    }

    private static void writeObject(StringBuilder to, Map<?, ?> members) {
        char separator = '{';
        for (Map.Entry<?, ?> member : members.entrySet()) {
            to.append(separator);
            quote(to, String.valueOf(member.getKey()));
            to.append(':');
            write(to, member.getValue());
            separator = ',';
        }
        to.append(members.isEmpty() ? "{}" : "}");
    }

    private static void writeArray(StringBuilder to, Iterable<?> items) {
        to.append('[');
        String separator = "";
        for (Object item : items) {
            to.append(separator);
            write(to, item);
            separator = ",";
        }
        to.append(']');
    }

    /**
     * JSON has no infinity and no NaN: infinity is shown as text, as Livy does, and NaN as null.
     */
    private static void writeNumber(StringBuilder to, Number number) {
        double value = number.doubleValue();
        if (Double.isNaN(value)) {
            to.append("null");
        } else if (number instanceof Double && Double.isInfinite(value)) {
            quote(to, number.toString());
        } else {
            to.append(number);
        }
    }

    private static void quote(StringBuilder to, String text) {
        to.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            switch (c) {
                case '"':
                    to.append("\\\"");
                    break;
                case '\\':
                    to.append("\\\\");
                    break;
                case '\n':
                    to.append("\\n");
                    break;
                case '\r':
                    to.append("\\r");
                    break;
                case '\t':
                    to.append("\\t");
                    break;
                default:
                    if (c < ' ' || isLoneSurrogate(text, i)) {
                        to.append(String.format("\\u%04x", (int) c));
                    } else {
                        to.append(c);
                    }
            }
        }
        to.append('"');
    }

    /** Half of a pair cannot be encoded as UTF-8, so it is escaped. */
    private static boolean isLoneSurrogate(String text, int i) {
        char c = text.charAt(i);
        if (Character.isHighSurrogate(c)) {
            return i + 1 >= text.length() || !Character.isLowSurrogate(text.charAt(i + 1));
        }
        return Character.isLowSurrogate(c)
                && (i == 0 || !Character.isHighSurrogate(text.charAt(i - 1)));
    }
}

package org.livy.driver;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads JSON. Objects become {@code Map<String, Object>}, arrays {@code List<Object>}, whole
 * numbers
 * {@code Long} or {@code BigInteger}, other numbers {@code Double}.
 */
final class JsonReader {
    /** Far deeper than any real value, and shallow enough for every stack. */
    private static final int DEPTH_MAX = 500;

    private final String text;
    private int at;
    private int depth;

    private JsonReader(String text) {
        this.text = text;
    }

    /** Throws {@link IllegalArgumentException} if the text is not one JSON value. */
    static Object read(String text) {
        JsonReader reader = new JsonReader(text);
        Object value = reader.value();
        reader.skipSpace();
        if (reader.at != text.length()) {
            throw reader.wrong("text after the value");
        }
        return value;
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> readObject(String text) {
        Object value = read(text);
        if (!(value instanceof Map)) {
            throw new IllegalArgumentException("JSON: not an object");
        }
        return (Map<String, Object>) value;
    }

    private IllegalArgumentException wrong(String why) {
        return new IllegalArgumentException("JSON: " + why + " at offset " + at);
    }

    private void skipSpace() {
        while (at < text.length() && text.charAt(at) <= ' ') {
            at++;
        }
    }

    private char next() {
        if (at >= text.length()) {
            throw wrong("the text ends early");
        }
        return text.charAt(at++);
    }

    private Object value() {
        skipSpace();
        char c = next();
        switch (c) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                at--;
                return number();
        }
    }

    private void enter() {
        if (++depth > DEPTH_MAX) {
            throw wrong("more than " + DEPTH_MAX + " levels");
        }
    }

    private Map<String, Object> object() {
        enter();
        Map<String, Object> members = new LinkedHashMap<>();
        skipSpace();
        if (next() != '}') {
            at--;
            do {
                skipSpace();
                if (next() != '"') {
                    throw wrong("a member without a name");
                }
                String name = string();
                skipSpace();
                if (next() != ':') {
                    throw wrong("a name without a colon");
                }
                members.put(name, value());
            } while (more('}'));
        }
        depth--;
        return members;
    }

    private List<Object> array() {
        enter();
        List<Object> items = new ArrayList<>();
        skipSpace();
        if (next() != ']') {
            at--;
            do {
                items.add(value());
            } while (more(']'));
        }
        depth--;
        return items;
    }

    private boolean more(char end) {
        skipSpace();
        char c = next();
        if (c != ',' && c != end) {
            throw wrong("no comma");
        }
        return c == ',';
    }

    private Object word(String word, Object value) {
        if (!text.startsWith(word, at - 1)) {
            throw wrong("an unknown word");
        }
        at += word.length() - 1;
        return value;
    }

    private Object number() {
        int from = at;
        boolean whole = true;
        while (at < text.length() && "+-.eE0123456789".indexOf(text.charAt(at)) >= 0) {
            whole &= ".eE".indexOf(text.charAt(at)) < 0;
            at++;
        }
        String digits = text.substring(from, at);
        try {
            if (!whole) {
                return Double.valueOf(digits);
            }
            if (digits.length() < 19) {
                return Long.valueOf(digits);
            }
            BigInteger big = new BigInteger(digits);
            return big.bitLength() < 64 ? (Object) big.longValue() : big;
        } catch (NumberFormatException notNumber) {
            throw wrong("not a value");
        }
    }

    private String string() {
        StringBuilder to = new StringBuilder();
        while (true) {
            char c = next();
            if (c == '"') {
                return to.toString();
            }
            to.append(c == '\\' ? escaped() : c);
        }
    }

    private char escaped() {
        char c = next();
        switch (c) {
            case 'n':
                return '\n';
            case 't':
                return '\t';
            case 'r':
                return '\r';
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'u':
                return hexadecimal();
            default:
                return c;
        }
    }

    private char hexadecimal() {
        if (at + 4 > text.length()) {
            throw wrong("the text ends early");
        }
        try {
            char c = (char) Integer.parseInt(text.substring(at, at + 4), 16);
            at += 4;
            return c;
        } catch (NumberFormatException notHex) {
            throw wrong("a bad \\u escape");
        }
    }
}

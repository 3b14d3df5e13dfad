package org.livy.driver;

import static org.livy.driver.Cases.equal;
import static org.livy.driver.Cases.fails;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.Collections;

final class JsonTest {
    private JsonTest() {}

    static void addTo(Cases cases) {
        cases.add("JSON that was read is written the same", () -> {
            for (String text : new String[] {"{}", "[]", "[[],{}]", "null", "true", "false", "0",
                         "-12", "1.5", "\"\"", "{\"a\":[1,2,{\"b\":null}],\"c\":\"d\"}",
                         "123456789012345678901234567890", "9223372036854775807",
                         "\"\\\"\\\\\\n\\r\\t\\u0001\"", "\"ä中😀\""}) {
                equal(text, Json.write(JsonReader.read(text)));
            }
        });
        cases.add("Escapes of every kind are read",
                ()
                        -> equal("\"\\/\b\f\n\r\t\u00e4",
                                JsonReader.read(" \"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\" ")));
        cases.add("Numbers keep their value and are Double only with a point or exponent", () -> {
            equal(9007199254740993L, JsonReader.read("9007199254740993"));
            equal(new BigInteger("-9223372036854775809"), JsonReader.read("-9223372036854775809"));
            equal(1e20, JsonReader.read("1e20"));
        });
        cases.add("NaN is null and infinity is text",
                ()
                        -> equal("[null,\"Infinity\",\"-Infinity\",0.1]",
                                Json.write(Arrays.asList(Double.NaN, Double.POSITIVE_INFINITY,
                                        Double.NEGATIVE_INFINITY, 0.1))));
        cases.add("Half of a surrogate pair is escaped",
                () -> equal("\"a\\ud800b\\udc00\"", Json.write("a\ud800b\udc00")));
        cases.add("Broken text is refused", () -> {
            for (String text : new String[] {"", "{", "[1", "[1 2]", "{1:2}", "{\"a\" 1}", "\"a",
                         "tru", "1 1", "-", "\"\\u12\"", "\"\\uxxxx\"", "[,]"}) {
                fails("JSON: ", () -> JsonReader.read(text));
            }
        });
        cases.add("Nesting is bounded",
                ()
                        -> fails("500 levels",
                                ()
                                        -> JsonReader.read(String.join(
                                                "", Collections.nCopies(100_000, "[")))));
    }
}

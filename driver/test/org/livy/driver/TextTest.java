package org.livy.driver;

import static org.livy.driver.Cases.equal;
import static org.livy.driver.Cases.fails;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Properties;

/** Code and output as text: line ends, magics, errors, limits, settings. */
final class TextTest {
    private TextTest() {}

    static void addTo(Cases cases) {
        addCode(cases);
        addErrors(cases);
        addOutput(cases);
        addSettings(cases);
    }

    private static void addCode(Cases cases) {
        cases.add("The first line end decides what is converted", () -> {
            equal("a\nb\rc", LineEnds.toLineFeeds("a\r\nb\rc"));
            equal("a\nb\n\nc", LineEnds.toLineFeeds("a\rb\r\nc"));
            equal("a\nb\r\nc", LineEnds.toLineFeeds("a\nb\r\nc"));
            equal("a", LineEnds.toLineFeeds("a"));
        });
        cases.add("A cursor outside of the code, or within a character, does no harm", () -> {
            equal("ab", Commands.before("abc", 2));
            equal("", Commands.before("", 0));
            equal(null, Commands.before("abc", -1));
            equal(null, Commands.before("abc", 4));
            equal(null, Commands.before("abc", 1L << 40));
            equal("a", Commands.before("a\ud83d\ude00b", 2));
            equal("a\ud83d\ude00", Commands.before("a\ud83d\ude00b", 3));
        });
        cases.add("Magic lines stand alone and text in quotes has none", () -> {
            equal(Arrays.asList("val x = 1\n", "%json x", "1 + 2\n"),
                    ScalaMagics.split("val x = 1\n%json x\n\n1 + 2".replace("\n\n", "\n")));
            equal(Collections.singletonList("val s = \"\"\"\n%json x\n\"\"\"\n"),
                    ScalaMagics.split("val s = \"\"\"\n%json x\n\"\"\""));
            equal(Collections.singletonList("10\n% 3\n"), ScalaMagics.split("10\n% 3"));
            equal(Collections.singletonList("%foo"), ScalaMagics.split("%foo"));
            equal(Collections.emptyList(), ScalaMagics.split(" \n "));
        });
        cases.add("Lines within texts and comments of Scala are known", () -> {
            equal("{1, 2}", ScalaScanner.linesWithin("\"\"\"a\nb\n\"\"\"\"\nc").toString());
            equal("{1, 2}", ScalaScanner.linesWithin("/* /* */\na\n*/\nb").toString());
            equal("{2}", ScalaScanner.linesWithin("\"/*\" // /*\n/*\n").toString());
            for (String code : Arrays.asList("'\"'\n", "'\\\"'\n", "\"\\\"/*\"\n", "\"a\nb\nc",
                         "// \"\"\"\n", "\"\"\n", "'", "\"\\", "\"\"\"\"\"\"\n")) {
                equal("{}", ScalaScanner.linesWithin(code).toString());
            }
        });
        cases.add("A table's columns go by name, and numbered ones by number", () -> {
            Object eleven = JsonReader.read("[[0,1,2,3,4,5,6,7,8,9,\"a\"]]");
            String json = LivyTable.of((List<?>) eleven).toJson(0);
            equal(true, json.contains("{\"type\":\"STRING_TYPE\",\"name\":\"10\"}],\"data\""));
            equal(true, json.contains("[[0,1,2,3,4,5,6,7,8,9,\"a\"]]"));
            equal(true, LivyTable.of((List<?>) JsonReader.read("[1,\"a\"]")).isError());
            equal(true, LivyTable.of((List<?>) JsonReader.read("[[[1,\"a\"]]]")).isError());
            json = LivyTable.of((List<?>) JsonReader.read("[{\"b\":1},{\"a\":null}]")).toJson(0);
            equal(true, json.contains("\"data\":[[null,1],[null,null]]"));
        });
    }

    private static void addErrors(Cases cases) {
        cases.add("An error of Scala 2.12 is its first line and the rest",
                ()
                        -> equal("{\"status\":\"error\",\"execution_count\":3,\"ename\":\"Error\","
                                        + "\"evalue\":"
                                        + "\"<console>:1: error: bad\",\"traceback\":[\"       "
                                        + "x\\n\",\"       ^\\n\"]}",
                                ScalaErrors
                                        .parse("<console>:1: error: bad\n       x\n       ^\n", "x")
                                        .toJson(3)));
        cases.add("Errors of Scala 2.13 get their source back", () -> {
            equal("{\"status\":\"error\",\"execution_count\":0,\"ename\":\"Error\",\"evalue\":"
                            + "\"error: bad x\",\"traceback\":[\"       x y\\n\",\"       ^\\n\","
                            + "\"error: bad y\\n\",\"       x y\\n\",\"         ^\\n\"]}",
                    ScalaErrors
                            .parse("       ^\n       error: bad x\n         ^\n"
                                            + "       error: bad y\n",
                                    "x y")
                            .toJson(0));
            equal("{\"status\":\"error\",\"execution_count\":0,\"ename\":\"Error\",\"evalue\":"
                            + "\"On line 2: error: bad\",\"traceback\":[\"       b\\n\",\"       "
                            + "^\\n\"]}",
                    ScalaErrors.parse("       ^\nOn line 2: error: bad\n", "a\nb").toJson(0));
        });
        cases.add("What was printed before an error comes last",
                ()
                        -> equal("{\"status\":\"error\",\"execution_count\":1,\"ename\":\"Error\","
                                        + "\"evalue\":\"e\","
                                        + "\"traceback\":[],\"stdout\":\"p\\n\"}",
                                Result.error("Error", "e").withPrinted("p\n").toJson(1)));
    }

    private static void addOutput(Cases cases) {
        cases.add("A process's line that does not end is logged in parts", () -> {
            char[] endless = new char[ChildProcess.LINE_CHARS_MAX];
            Arrays.fill(endless, 'x');
            StringReader in = new StringReader("a\n\n" + new String(endless) + "b");
            equal("a", ChildProcess.readLine(in));
            equal("", ChildProcess.readLine(in));
            equal(new String(endless), ChildProcess.readLine(in));
            equal("b", ChildProcess.readLine(in));
            equal(null, ChildProcess.readLine(in));
        });
        cases.add("Output after the end goes to the log", () -> {
            ByteArrayOutputStream log = new ByteArrayOutputStream();
            StatementOutput output = new StatementOutput(100, new PrintStream(log, true));
            output.write('a');
            output.end();
            output.write('b');
            equal("a", output.text());
            equal("b", log.toString());
        });
    }

    private static void addSettings(Cases cases) {
        cases.add("Settings have defaults, and what is missing is named", () -> {
            Properties given = new Properties();
            for (String name : new String[] {"session", "secret", "fingerprint"}) {
                given.setProperty(Settings.PREFIX + name, "AB:CD");
            }
            fails("spark.livy.driver.servers is missing", () -> Settings.of(given));
            given.setProperty(Settings.PREFIX + "servers", "a:1 , b:2");
            Settings settings = Settings.of(given);
            equal(Arrays.asList("a:1", "b:2"), settings.servers);
            equal("abcd", settings.fingerprint);
            equal(600_000L, settings.serverLostMillis);
            given.setProperty(Settings.PREFIX + "sqlRowsMax", "many");
            fails("sqlRowsMax is not a number: many", () -> Settings.of(given));
        });
    }
}

package org.livy.driver;

import static org.livy.driver.Cases.equal;
import static org.livy.driver.Cases.fails;
import static org.livy.driver.Cases.isTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;

/** What statements print, and what errors say: as it comes, and within bounds. */
final class OutputTest {
    private OutputTest() {}

    private static StatementOutput output(int bytesMax) {
        return new StatementOutput(bytesMax, new PrintStream(new ByteArrayOutputStream()));
    }

    private static void write(StatementOutput to, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        to.write(bytes, 0, bytes.length);
    }

    static void addTo(Cases cases) {
        cases.add("What was printed is told once, in whole characters", () -> {
            StatementOutput output = output(100);
            byte[] text = "a\u00e4\u4e2d\ud83d\ude00".getBytes(StandardCharsets.UTF_8);
            StringBuilder told = new StringBuilder();
            for (byte b : text) {
                output.write(b);
                String next = output.next(100);
                isTrue(next.indexOf('\ufffd') < 0, next);
                told.append(next);
            }
            equal("a\u00e4\u4e2d\ud83d\ude00", told.toString());
            equal("", output.next(100));
            equal("a\u00e4\u4e2d\ud83d\ude00", output.text());
        });
        cases.add("It is told in pieces that are not too long", () -> {
            StatementOutput output = output(100);
            write(output, "abcd\u4e2d\u4e2defg");
            equal("abcd", output.next(6));
            equal("\u4e2d", output.next(5));
            equal("\u4e2defg", output.next(100));
        });
        cases.add("What is not UTF-8 is replaced and does not block the rest", () -> {
            StatementOutput output = output(100);
            byte[] bytes = {
                    'a', (byte) 0xff, (byte) 0x80, (byte) 0x80, (byte) 0x80, (byte) 0x80, 'b'};
            output.write(bytes, 0, bytes.length);
            equal("a\ufffd\ufffd\ufffd\ufffd\ufffdb", output.next(100));
            output.write(0xe4);
            equal("", output.next(100));
            write(output, "c");
            equal("\ufffdc", output.next(100));
        });
        cases.add("The limit is in bytes and leaves no half character", () -> {
            StatementOutput output = output(5);
            write(output, "\u4e2d\u4e2d");
            isTrue(output.isCut(), "it is cut");
            equal("\u4e2d\n... output cut after 5 bytes\n", output.text());
            output.clear();
            isTrue(!output.isCut(), "it is empty");
        });
        cases.add("A listener hears of each write until the limit or the end", () -> {
            StatementOutput output = output(2);
            int[] heard = {0};
            write(output, "a");
            output.listen(() -> heard[0]++);
            write(output, "b");
            write(output, "c");
            equal(1, heard[0]);
            output.clear();
            output.end();
            write(output, "d");
            equal(1, heard[0]);
        });
        cases.add("A thread that is to stop cannot write, others can", () -> {
            StatementOutput output = output(100);
            output.stop(Thread.currentThread());
            fails("cancelled", () -> write(output, "a"));
            Thread other = new Thread(() -> write(output, "b"));
            other.start();
            other.join();
            equal("ab", output.text());
        });
        addErrors(cases);
    }

    private static void addErrors(Cases cases) {
        cases.add("Lengths in UTF-8 are counted as they will be", () -> {
            for (String text :
                    Arrays.asList("", "a", "\u00e4", "\u4e2d", "\ud83d\ude00", "a\u4e2db")) {
                equal((long) text.getBytes(StandardCharsets.UTF_8).length, Utf8.length(text));
            }
            equal("a\u4e2d", Utf8.head("a\u4e2d\u4e2d", 6));
            equal("a", Utf8.head("a\ud83d\ude00", 4));
            equal("a\ud83d\ude00", Utf8.head("a\ud83d\ude00", 5));
        });
        cases.add("An error's message and traceback are bounded together", () -> {
            Result result = Result.error("E", "abc", Arrays.asList("de\n", "fgh\n", "ijk\n"));
            equal("{\"status\":\"error\",\"execution_count\":1,\"ename\":\"E\",\"evalue\":\"abc\","
                            + "\"traceback\":[\"de\\n\",\"fg\"],\"truncated\":true}",
                    result.boundedTo(8).toJson(1));
            Result small = Result.error("E", "abc", Collections.singletonList("d"));
            isTrue(!small.boundedTo(4).toJson(1).contains("truncated"), "it fits");
        });
        cases.add("What was cut says so in its last member", () -> {
            equal("{\"status\":\"ok\",\"execution_count\":1,\"data\":{\"text/plain\":\"a\"},"
                            + "\"truncated\":true}",
                    Result.ok("text/plain", "a").truncatedIf(true).toJson(1));
            String json = Result.error("E", "").withPrinted("a").truncatedIf(true).toJson(1);
            isTrue(json.endsWith(",\"stdout\":\"a\",\"truncated\":true}"), json);
        });
    }
}

package org.livy.driver;

import java.util.BitSet;

/** Tells code from texts and comments in Scala, as far as it takes to know where lines begin. */
final class ScalaScanner {
    private static final String QUOTES = "\"\"\"";

    private final String code;
    private int at;

    private ScalaScanner(String code) {
        this.code = code;
    }

    /** The numbers of the lines, from 0, that begin within a text or a comment. */
    static BitSet linesWithin(String code) {
        BitSet lines = new BitSet();
        ScalaScanner scanner = new ScalaScanner(code);
        int line = 0;
        while (scanner.at < code.length()) {
            int from = scanner.at;
            boolean within = scanner.skipOne();
            for (int i = from; i < scanner.at; i++) {
                if (code.charAt(i) == '\n') {
                    lines.set(++line, within);
                }
            }
        }
        return lines;
    }

    /** Skips a text, a comment of several lines, or a character of anything else. */
    private boolean skipOne() {
        if (code.startsWith("//", at)) {
            int end = code.indexOf('\n', at);
            at = end < 0 ? code.length() : end;
            return false;
        } else if (code.startsWith("/*", at)) {
            skipComment();
            return true;
        } else if (code.startsWith(QUOTES, at)) {
            int end = code.indexOf(QUOTES, at + 3);
            at = end < 0 ? code.length() : end + 3;
            while (at < code.length() && code.charAt(at) == '"') {
                at++; // Further quotes belong to the text.
            }
            return true;
        } else if (code.charAt(at) == '"') {
            skipQuoted();
            return false;
        }
        boolean character = code.startsWith("'\"'", at) || code.startsWith("'\\\"'", at);
        at += character ? code.indexOf('\'', at + 1) + 1 - at : 1;
        return false;
    }

    /** Comments nest. */
    private void skipComment() {
        int depth = 0;
        do {
            boolean begin = code.startsWith("/*", at);
            boolean end = code.startsWith("*/", at);
            depth += begin ? 1 : end ? -1 : 0;
            at += begin || end ? 2 : 1;
        } while (depth > 0 && at < code.length());
    }

    /** A text in single quotes ends with its line at the latest. */
    private void skipQuoted() {
        at++;
        while (at < code.length() && code.charAt(at) != '"' && code.charAt(at) != '\n') {
            at += code.charAt(at) == '\\' && at + 1 < code.length() && code.charAt(at + 1) != '\n'
                    ? 2
                    : 1;
        }
        if (at < code.length() && code.charAt(at) == '"') {
            at++;
        }
    }
}

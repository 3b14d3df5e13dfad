package org.livy.driver;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The REPL's error texts as Livy shows them. */
final class ScalaErrors {
    private static final String MARGIN = "       ";
    private static final Pattern LINE_NUMBER = Pattern.compile("^On line (\\d+): ");

    private ScalaErrors() {}

    /** The first line that the REPL said about {@code code} is the message, the rest traceback. */
    static Result parse(String said, String code) {
        List<String> lines = new ArrayList<>();
        if (!said.trim().isEmpty()) {
            lines.addAll(Arrays.asList(said.split("(?<=\n)")));
        }
        if (!lines.isEmpty() && isCaret(lines.get(0))) {
            lines = turned(lines, code.split("\n", -1));
        }
        String message = lines.isEmpty() ? "The statement was interrupted" : lines.remove(0);
        return Result.error("Error", message.replaceFirst("\n$", ""), lines);
    }

    private static boolean isCaret(String line) {
        return line.trim().equals("^");
    }

    /**
     * Scala 2.13 says a caret, then the message, and leaves the source to the terminal above. This
     * puts them in the order of 2.12: message, source, caret.
     */
    private static List<String> turned(List<String> lines, String[] code) {
        List<String> turned = new ArrayList<>();
        int i = 0;
        while (i < lines.size()) {
            String caret = isCaret(lines.get(i)) ? lines.get(i++) : null;
            int message = turned.size();
            while (i < lines.size() && !isCaret(lines.get(i))) {
                String line = lines.get(i++);
                turned.add(line.startsWith(MARGIN) ? line.substring(MARGIN.length()) : line);
            }
            String source = turned.size() == message ? null : source(turned.get(message), code);
            if (source != null) {
                turned.add(MARGIN + source + "\n");
            }
            if (caret != null) {
                turned.add(caret);
            }
        }
        return turned;
    }

    /** The line a message is about: the only one, or the one it names; null if neither. */
    private static String source(String message, String[] code) {
        Matcher matcher = LINE_NUMBER.matcher(message);
        int at = matcher.find() ? Integer.parseInt(matcher.group(1)) - 1 : 0;
        boolean only = Arrays.stream(code).skip(1).allMatch(line -> line.trim().isEmpty());
        return at > 0 && at < code.length || only ? code[at] : null;
    }
}

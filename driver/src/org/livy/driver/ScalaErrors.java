package org.livy.driver;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The REPL's error texts as Livy shows them. */
final class ScalaErrors {
    private ScalaErrors() {}

    /**
     * The first line is the message and the others are the traceback. Scala 2.13 puts a caret line
     * before the message, without the source: it comes after it here, as in 2.12.
     */
    static Result parse(String said, String code) {
        List<String> lines = new ArrayList<>(Arrays.asList(said.split("(?<=\n)")));
        String message = lines.remove(0);
        if (message.trim().equals("^") && !lines.isEmpty()) {
            String caret = message;
            message = lines.remove(0).trim();
            if (code.trim().indexOf('\n') < 0) {
                // The caret stands below the line as a terminal shows it, after its prompt.
                int prompt = "scala> ".length();
                lines.add("       " + code.trim() + "\n");
                caret = caret.length() > prompt ? caret : "       " + caret;
            }
            lines.add(caret);
        }
        return Result.error("Error", message.trim().isEmpty() ? "unknown error" : stripEnd(message),
                lines);
    }

    private static String stripEnd(String line) {
        return line.endsWith("\n") ? line.substring(0, line.length() - 1) : line;
    }
}

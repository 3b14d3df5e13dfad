package org.livy.driver;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;

/** How a statement ended, in the shape the REST interface shows it. */
final class Result {
    /** MIME type to value; null for an error. */
    final Map<String, Object> data;

    private final String name;
    private String message;
    private List<String> traceback;
    private final boolean interpreterDied;
    private String printed = "";
    private boolean truncated;

    private Result(Map<String, Object> data, String name, String message, List<String> traceback,
            boolean interpreterDied) {
        this.data = data;
        this.name = name;
        this.message = message;
        this.traceback = traceback;
        this.interpreterDied = interpreterDied;
    }

    static Result ok(Map<String, Object> data) {
        return new Result(data, null, null, Collections.emptyList(), false);
    }

    static Result ok(String mimeType, Object value) {
        return ok(Json.object(mimeType, value));
    }

    static Result error(String name, String message, List<String> traceback) {
        return new Result(null, name, message, traceback, false);
    }

    static Result error(String name, String message) {
        return error(name, message, Collections.emptyList());
    }

    /** The error with its Java stack, as Livy shows failures of SQL. */
    static Result error(Throwable failure) {
        List<String> frames = new ArrayList<>();
        for (StackTraceElement frame : failure.getStackTrace()) {
            frames.add(frame.toString());
        }
        String message = failure.getMessage();
        return error("Error", message == null ? failure.toString() : message, frames);
    }

    /** The interpreter is gone, and its variables with it. */
    static Result died(String how) {
        return new Result(
                null, "Error", "Interpreter died:\n" + how, Collections.emptyList(), true);
    }

    /** The interpreter of this kind could not be started; {@code why} is for people. */
    static Result noInterpreter(String why) {
        return error("InterpreterError", "Fail to start interpreter",
                Collections.singletonList(why + "\n"));
    }

    /** Makes an error tell what was printed before it. */
    Result withPrinted(String text) {
        printed = text;
        return this;
    }

    /** Makes the output tell that there was more than it shows. */
    Result truncatedIf(boolean cut) {
        truncated |= cut;
        return this;
    }

    /**
     * Bounds what an error says of itself: an exception's message and traceback together. What was
     * printed has a bound of its own.
     */
    Result boundedTo(int bytesMax) {
        if (data == null && message != null) {
            String whole = message;
            message = Utf8.head(whole, bytesMax);
            truncatedIf(message.length() < whole.length());
            long left = bytesMax - Utf8.length(message);
            List<String> lines = new ArrayList<>();
            for (String line : traceback) {
                String part = Utf8.head(line, (int) left);
                truncatedIf(part.length() < line.length());
                if (part.length() < line.length() && part.isEmpty()) {
                    break;
                }
                lines.add(part);
                left -= Utf8.length(part);
            }
            traceback = lines;
        }
        return this;
    }

    boolean isError() {
        return data == null;
    }

    boolean interpreterDied() {
        return interpreterDied;
    }

    /**
     * As a member of the REST interface. {@code stdout} and {@code truncated} are additions to
     * Livy's members.
     */
    String toJson(long executionCount) {
        Map<String, Object> members = Json.object(
                "status", data != null ? "ok" : "error", "execution_count", executionCount);
        if (data != null) {
            members.put("data", data);
        } else {
            members.put("ename", name);
            members.put("evalue", message);
            members.put("traceback", traceback);
            if (!printed.isEmpty()) {
                members.put("stdout", printed);
            }
        }
        if (truncated) {
            members.put("truncated", true);
        }
        return Json.write(members);
    }
}

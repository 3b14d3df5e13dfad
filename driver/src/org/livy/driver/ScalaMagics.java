package org.livy.driver;

import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Livy's %json NAME and %table NAME. */
final class ScalaMagics {
    /** What an expression came to: a value, which may be null, or an error. */
    static final class Found {
        final Object value;
        final Result error;

        Found(Object value, Result error) {
            this.value = value;
            this.error = error;
        }
    }

    private static final int RDD_ITEMS_MAX = 10;
    private static final Pattern MAGIC = Pattern.compile("%[a-zA-Z]\\w*(\\s.*)?");

    private final Function<String, Found> find;
    private final int rowsMax;

    /** {@code find} evaluates an expression; {@code rowsMax} rows of a DataFrame are shown. */
    ScalaMagics(Function<String, Found> find, int rowsMax) {
        this.find = find;
        this.rowsMax = rowsMax;
    }

    static boolean isMagic(String block) {
        return MAGIC.matcher(block).matches();
    }

    /** Blocks of ordinary lines, and magic lines between them. Text within quotes is ordinary. */
    static List<String> split(String code) {
        List<String> blocks = new ArrayList<>();
        StringBuilder ordinary = new StringBuilder();
        BitSet within = ScalaScanner.linesWithin(code);
        String[] lines = code.split("\n", -1);
        for (int i = 0; i < lines.length; i++) {
            if (!within.get(i) && isMagic(lines[i])) {
                flush(ordinary, blocks);
                blocks.add(lines[i].trim());
            } else {
                ordinary.append(lines[i]).append('\n');
            }
        }
        flush(ordinary, blocks);
        return blocks;
    }

    private static void flush(StringBuilder ordinary, List<String> blocks) {
        if (!ordinary.toString().trim().isEmpty()) {
            blocks.add(ordinary.toString());
        }
        ordinary.setLength(0);
    }

    /** Runs a magic line. */
    Result run(String line) {
        String[] words = line.substring(1).trim().split("\\s+", 2);
        if (!words[0].equals("json") && !words[0].equals("table")) {
            return Result.error("UnknownMagic", "Unknown magic command " + words[0]);
        }
        if (words.length == 1) {
            return noSuchName("");
        }
        Found found = find.apply(words[1].trim());
        if (found.error != null) {
            return found.error;
        }
        try {
            return show(words[0].equals("table"), found.value);
        } catch (ScalaTree.NoTree none) {
            return none.tooLarge
                    ? Result.error("ValueError", "The value is too large for an output")
                    : Result.error("ValueError", "Failed to convert value into a JSON value");
        } catch (CancellationException stopped) {
            throw stopped;
        } catch (Exception | LinkageError | StackOverflowError failed) {
            // A job, or a collection that computes its items.
            return Result.error(failed);
        }
    }

    static Result noSuchName(String name) {
        return Result.error("NameError", "Value " + name + " does not exist");
    }

    private Result show(boolean asTable, Object value) {
        if (Reflect.type("org.apache.spark.sql.Dataset").isInstance(value)) {
            FrameRows rows = FrameRows.first(value, rowsMax);
            return asTable ? rows.table() : rows.json();
        } else if (!Reflect.type("org.apache.spark.rdd.RDD").isInstance(value)) {
            return asTable ? table(value)
                           : Result.ok("application/json", new ScalaTree().of(value));
        }
        // An array, of numbers too.
        Object taken = Reflect.call(value, "take", RDD_ITEMS_MAX + 1);
        List<Object> items = new ArrayList<>();
        for (int i = 0; i < Math.min(Array.getLength(taken), RDD_ITEMS_MAX); i++) {
            items.add(Array.get(taken, i));
        }
        return show(asTable, items).truncatedIf(Array.getLength(taken) > RDD_ITEMS_MAX);
    }

    private static Result table(Object value) {
        return LivyTable.of(new ScalaTree().ofRows(value));
    }
}

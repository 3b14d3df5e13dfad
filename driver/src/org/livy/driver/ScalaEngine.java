package org.livy.driver;

import java.io.File;
import java.io.PrintWriter;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The Scala compiler's own REPL engine, IMain, from Spark's jars, in the forms of Scala 2.12 and
 * 2.13. IMain is used without ILoop, whose work is the terminal. One thread at a time, except
 * {@link #complete}.
 */
final class ScalaEngine {
    enum Outcome { SUCCESS, ERROR, INCOMPLETE }

    /** A part of a block that runs by itself. */
    static final class Piece {
        final String code;
        final int blankLinesBefore;

        Piece(String code, int blankLinesBefore) {
            this.code = code;
            this.blankLinesBefore = blankLinesBefore;
        }
    }

    private static final Set<String> DEFINITIONS =
            new LinkedHashSet<>(Arrays.asList("ClassDef", "ModuleDef", "DefDef", "TypeDef"));

    private static final Pattern MODIFIERS =
            Pattern.compile("\\n[ "
                            + "\\t]*((?:(?:@[\\w.]+(?:\\([^\\n]*\\))?|abstract|case|final|implicit|"
                            + "lazy|override|private"
                    + "|protected|sealed)\\s+)+)$");

    private final boolean scala213;
    private final Object imain;
    private final PrintWriter messages;
    /**
     * Held by whoever uses the compiler. A completion beside a compilation breaks the compiler for
     * good, and a statement's code runs inside of the call that compiles it.
     */
    private final ReentrantLock compiler = new ReentrantLock();

    /**
     * Creates the engine; it needs no Spark context, so it can start beside it. It writes echoes
     * and errors to {@code messages} and classes to {@code classFolder}. {@code generation} tells
     * how many engines were created before.
     */
    ScalaEngine(int generation, String classFolder, PrintWriter messages) {
        this.messages = messages;
        scala213 = !scalaVersion().startsWith("2.12.");
        // Executors keep the classes they have seen, so no two lines' may have one name. Spark
        // expects digits after this.
        System.setProperty(
                "scala.repl.name.line", "$line" + (generation > 0 ? generation + "000000" : ""));
        Object settings = settings(classFolder);
        Class<?> type = Reflect.type("scala.tools.nsc.interpreter.IMain");
        if (scala213) {
            Object reporter = Reflect.create(
                    Reflect.type("scala.tools.nsc.interpreter.shell.ReplReporterImpl"), settings,
                    messages);
            imain = Reflect.create(type, settings, reporter);
            Reflect.call(imain, "initializeCompiler");
        } else {
            imain = Reflect.create(type, settings, messages);
            Reflect.call(imain, "initializeSynchronous");
        }
    }

    static String scalaVersion() {
        return (String) Reflect.callStatic(
                Reflect.type("scala.util.Properties"), "versionNumberString");
    }

    private static Object settings(String classFolder) {
        List<String> arguments = new ArrayList<>(Arrays.asList(
                "-usejavacp", "-Yrepl-class-based", "-Yrangepos", "-Yrepl-outdir", classFolder));
        String jars = addedJars();
        if (!jars.isEmpty()) {
            arguments.add("-classpath");
            arguments.add(jars);
        }
        Object settings = Reflect.create(Reflect.type("scala.tools.nsc.Settings"));
        Reflect.call(settings, "processArguments", ScalaValues.list(arguments), true);
        Reflect.call(settings, "embeddedDefaults", Reflect.loader());
        return settings;
    }

    /**
     * Jars that spark-submit's own class loader has and java.class.path has not: the user's, ours.
     */
    private static String addedJars() {
        Set<String> jars = new LinkedHashSet<>();
        for (ClassLoader at = Reflect.loader(); at != null; at = at.getParent()) {
            if (!(at instanceof URLClassLoader) || at.getClass().getName().startsWith("sun.")) {
                continue;
            }
            for (URL url : ((URLClassLoader) at).getURLs()) {
                try {
                    File file = new File(url.toURI());
                    if (file.isFile()) {
                        jars.add(file.getPath());
                    }
                } catch (URISyntaxException | IllegalArgumentException notLocal) {
                    continue;
                }
            }
        }
        return String.join(File.pathSeparator, jars);
    }

    /** Compiled code finds its classes by this loader. */
    void useClassLoader() {
        Reflect.call(imain, "setContextClassLoader");
    }

    /** Makes the classes of a jar known, from the next code on. */
    void addJar(URL jar) {
        Reflect.call(imain, "addUrlsToClassPath", ScalaValues.list(Arrays.asList(jar)));
    }

    /** Runs code; synthetic code leaves no numbered results behind. */
    Outcome interpret(String code, boolean synthetic) {
        compiler.lock();
        try {
            Object outcome = Reflect.call(imain, "interpret", code, synthetic);
            messages.flush();
            return outcome(outcome.toString());
        } finally {
            compiler.unlock();
        }
    }

    private static Outcome outcome(String name) {
        if (name.startsWith("Incomplete")) {
            return Outcome.INCOMPLETE;
        }
        return name.startsWith("Success") ? Outcome.SUCCESS : Outcome.ERROR;
    }

    /** Uses up the name of a result, as an empty line does in Livy. */
    void skipResultName() {
        Reflect.call(Reflect.call(imain, "naming"), "freshUserVarName");
    }

    /**
     * Cuts a block where the compiler's parser says that statements begin on a new line, so that
     * each line is echoed, as Livy does, and what ran before an error keeps its effect.
     * Neighbouring definitions of classes, objects, methods and types stay together: companions,
     * sealed hierarchies and mutual recursion need that. If the block is incomplete or wrong,
     * nothing is added to {@code pieces}.
     */
    Outcome split(String block, List<Piece> pieces) {
        compiler.lock();
        try {
            return parse(block, pieces);
        } finally {
            compiler.unlock();
        }
    }

    private Outcome parse(String block, List<Piece> pieces) {
        Object trees;
        if (scala213) {
            Object either = Reflect.call(imain, "parse", block);
            messages.flush();
            if (!(Boolean) Reflect.call(either, "isRight")) {
                Object left = Reflect.call(Reflect.call(either, "swap"), "toOption");
                return outcome(ScalaValues.orNull(left).toString());
            }
            Object parsed = ScalaValues.orNull(Reflect.call(either, "toOption"));
            trees = Reflect.call(parsed, "_1");
        } else {
            Object parsed = Reflect.call(Reflect.call(imain, "parse"), "apply", block);
            messages.flush();
            Outcome outcome = outcome(parsed.getClass().getSimpleName());
            if (outcome != Outcome.SUCCESS) {
                return outcome;
            }
            trees = Reflect.call(parsed, "trees");
        }
        cut(block, ScalaValues.items(trees), pieces);
        return Outcome.SUCCESS;
    }

    private static void cut(String block, List<Object> trees, List<Piece> pieces) {
        int start = 0;
        int end = 0;
        int blankLines = 0;
        boolean afterDefinition = false;
        for (Object tree : trees) {
            boolean definition = DEFINITIONS.contains(tree.getClass().getSimpleName());
            Object position = Reflect.call(tree, "pos");
            if (!(Boolean) Reflect.call(position, "isRange")) {
                continue;
            }
            int at = withModifiers(block, end, (Integer) Reflect.call(position, "start"));
            boolean onNewLine = end > 0 && at >= end && block.substring(end, at).indexOf('\n') >= 0;
            if (onNewLine && !(definition && afterDefinition)) {
                pieces.add(new Piece(block.substring(start, at), blankLines));
                blankLines = blankLines(block.substring(end, at));
                start = at;
            }
            end = Math.max(end, (Integer) Reflect.call(position, "end"));
            afterDefinition = definition;
        }
        if (!trees.isEmpty()) {
            pieces.add(new Piece(block.substring(start), blankLines));
        }
    }

    /** Where a definition begins whose tree begins after its annotations, on lines of its own. */
    private static int withModifiers(String block, int end, int start) {
        if (end == 0 || start < end) {
            return start;
        }
        Matcher modifiers = MODIFIERS.matcher(block).region(end, start);
        return modifiers.find() ? modifiers.start(1) : start;
    }

    private static int blankLines(String gap) {
        String[] lines = gap.split("\n", -1);
        int blank = 0;
        for (int i = 1; i < lines.length - 1; i++) {
            blank += lines[i].trim().isEmpty() ? 1 : 0;
        }
        return blank;
    }

    /** Finds nothing while a statement is compiled or runs. */
    List<String> complete(String code, int cursor) {
        if (!compiler.tryLock()) {
            return Collections.emptyList();
        }
        try {
            return candidates(code, cursor);
        } finally {
            compiler.unlock();
        }
    }

    private List<String> candidates(String code, int cursor) {
        Object completer;
        if (scala213) {
            Object accumulator =
                    Reflect.create(Reflect.type("scala.tools.nsc.interpreter.shell.Accumulator"));
            completer =
                    Reflect.create(Reflect.type("scala.tools.nsc.interpreter.shell.ReplCompletion"),
                            imain, accumulator);
        } else {
            completer = Reflect.create(
                    Reflect.type("scala.tools.nsc.interpreter.PresentationCompilerCompleter"),
                    imain);
        }
        Object found =
                Reflect.call(Reflect.call(completer, "complete", code, cursor), "candidates");
        Set<String> names = new LinkedHashSet<>();
        for (Object candidate : ScalaValues.items(found)) {
            // 2.13 lists every overload by itself.
            names.add((String) (scala213 ? Reflect.call(candidate, "name") : candidate));
        }
        return new ArrayList<>(names);
    }

    void close() {
        Reflect.call(imain, "close");
    }
}

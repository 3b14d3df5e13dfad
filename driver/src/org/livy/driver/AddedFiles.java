package org.livy.driver;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipFile;

/**
 * Jars, Python modules and other files that are given to a running session: to the driver, to its
 * interpreters and to executors. Safe to use from several threads.
 */
final class AddedFiles {
    /** The server's end of an upload. */
    interface Uploads {
        /** Writes the upload of this name to {@code to}. */
        void fetch(String name, Path to) throws IOException, InterruptedException;
    }

    private static final int WAITING_MAX = 100;
    private static final int FETCH_MILLIS_MAX = 60_000;

    private final Outbox outbox;
    private final Interpreters interpreters;
    private final Path folder;
    private final Uploads uploads;
    private final ClassLoader loader = Reflect.loader();
    private final ThreadPoolExecutor executor;
    /** Used by the executor's one thread. */
    private final Set<String> taken = new HashSet<>();
    private final List<URL> jars = new CopyOnWriteArrayList<>();
    private final List<String> pythonFiles = new CopyOnWriteArrayList<>();

    AddedFiles(Outbox outbox, Interpreters interpreters, Path folder, Uploads uploads) {
        this.outbox = outbox;
        this.interpreters = interpreters;
        this.folder = folder;
        this.uploads = uploads;
        executor = new ThreadPoolExecutor(
                1, 1, 1, TimeUnit.MINUTES, new ArrayBlockingQueue<>(WAITING_MAX), body -> {
                    Thread thread = new Thread(body, "livy-added-files");
                    thread.setContextClassLoader(loader);
                    thread.setDaemon(true);
                    return thread;
                }, (body, full) -> ((Addition) body).answer("Too many files are being added"));
        executor.allowCoreThreadTimeOut(true);
    }

    /** Adds a file as an {@code add} command says, and reports when that is done. */
    void add(Map<String, Object> command) {
        executor.execute(new Addition(command));
    }

    /** Jars for the Scala REPL, in the order they came. Only ever grows. */
    List<URL> jars() {
        return jars;
    }

    /** Names of files, in Spark's folder of files, for Python. Only ever grows. */
    List<String> pythonFiles() {
        return pythonFiles;
    }

    private final class Addition implements Runnable {
        private final Map<String, Object> command;
        private final String resource;
        private final String uri;
        private final String upload;

        Addition(Map<String, Object> command) {
            this.command = command;
            resource = (String) command.get("resource");
            uri = (String) command.get("uri");
            upload = (String) command.get("upload");
        }

        void answer(String error) {
            Map<String, Object> event = Json.object("event", "added", "id", command.get("id"));
            if (error != null) {
                event.put("error", error);
            }
            outbox.add(event);
        }

        @Override
        public void run() {
            String name = upload != null ? upload : nameIn(uri);
            if (name.isEmpty() || name.equals(".") || name.equals("..") || name.indexOf('/') >= 0) {
                answer("'" + (upload != null ? upload : uri) + "' does not name a file");
                return;
            }
            String key = resource + " " + name;
            if (!taken.add(key)) {
                System.err.println("livy-driver: a " + resource + " named " + name
                        + " was added before; the new one is not taken");
                answer(null);
                return;
            }
            try {
                add(name);
            } catch (Throwable failure) {
                // Reflect lets checked exceptions through too.
                taken.remove(key);
                String what = failure instanceof IllegalArgumentException ? failure.getMessage()
                                                                          : failure.toString();
                answer("The " + resource + " " + name + " could not be added: " + what);
                return;
            }
            answer(null);
        }

        private void add(String name) throws IOException, InterruptedException {
            // Spark is given what is there and can be read, for it would remember what is not: a
            // missing jar is taken without a word, a missing file fails all tasks that follow.
            String source = uri;
            File local = upload == null ? local(uri) : place(name).toFile();
            if (upload != null) {
                uploads.fetch(upload, local.toPath());
                source = local.toString();
            } else if (uri.matches("(https?|ftp):.*")) {
                local = copy(openWeb(uri), name);
                source = local.toString();
            } else if (local == null) {
                openHadoop(uri).close();
            } else if (!local.isFile()) {
                throw new IllegalArgumentException(local + " is not a file");
            }
            String ending = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
            // In Livy add-jar and add-pyfile are one: the session's kind decides what they do.
            boolean module = resource.equals("pyfile")
                    || resource.equals("jar") && ending.matches("py|egg|zip");
            boolean jar = ending.equals("jar")
                    ? !resource.equals("file")
                    : resource.equals("jar") && !ending.matches("py|egg");
            if (jar) {
                addJar(name, source, local);
            }
            if (module || resource.equals("file")) {
                Reflect.call(SparkAccess.context(), "addFile", source);
            }
            if (module) {
                pythonFiles.add(name);
                Interpreter started = interpreters.ifStarted("pyspark");
                if (started instanceof PythonInterpreter) {
                    ((PythonInterpreter) started).tellAdded();
                }
            }
        }

        /** Each in a folder of its own, because a jar and a file may have one name. */
        private Path place(String name) throws IOException {
            return Files.createTempDirectory(folder, resource + "-").resolve(name);
        }

        private File copy(InputStream from, String name) throws IOException {
            try (InputStream in = from) {
                Path to = place(name);
                Files.copy(in, to);
                return to.toFile();
            }
        }

        private void addJar(String name, String source, File local) throws IOException {
            File file = local != null ? local : copy(openHadoop(source), name);
            // The compiler would fail at every statement because of what is no jar.
            new ZipFile(file).close();
            URL url = file.toURI().toURL();
            // spark-submit's loader, which Python's way into the JVM, SQL and Java's code go by.
            Reflect.call(loader, "addURL", url);
            Reflect.call(SparkAccess.context(), "addJar", source);
            jars.add(url);
        }
    }

    private static String nameIn(String uri) {
        String path = uri;
        try {
            path = uri.startsWith("/") ? uri : new URI(uri).getPath();
        } catch (URISyntaxException takenAsItIs) {
            // Whoever opens it says what is wrong with it.
        }
        return path == null ? "" : path.substring(path.lastIndexOf('/') + 1);
    }

    /** The file that a URI names if it is on this machine, else null. */
    private static File local(String source) {
        if (source.startsWith("/")) {
            return new File(source);
        }
        URI uri = URI.create(source);
        String scheme = uri.getScheme();
        boolean here = scheme == null || scheme.equals("file") || scheme.equals("local");
        return here ? new File(uri.getPath()) : null;
    }

    private static InputStream openWeb(String source) throws IOException {
        URLConnection connection = new URL(source).openConnection();
        connection.setConnectTimeout(FETCH_MILLIS_MAX);
        connection.setReadTimeout(FETCH_MILLIS_MAX);
        return connection.getInputStream();
    }

    /** A file in any other place that Spark can read. */
    private static InputStream openHadoop(String source) {
        Object path = Reflect.create(Reflect.type("org.apache.hadoop.fs.Path"), source);
        Object system = Reflect.call(
                path, "getFileSystem", Reflect.call(SparkAccess.context(), "hadoopConfiguration"));
        return (InputStream) Reflect.call(system, "open", path);
    }
}

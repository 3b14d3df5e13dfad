package org.livy.driver;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Scripts out of the jar in a new folder that only this user can read, for as long as a start. */
final class ScriptFolder implements Closeable {
    private final List<Path> files = new ArrayList<>();

    /** {@code parent} is deleted at the driver's exit, if that comes before close(). */
    ScriptFolder(Path parent, String... resources) throws IOException {
        Path folder = Files.createTempDirectory(parent, "livy-script-");
        for (String resource : resources) {
            Path file = folder.resolve(resource);
            files.add(file);
            try (InputStream in = ScriptFolder.class.getResourceAsStream(resource)) {
                Files.copy(in, file);
            } catch (IOException failed) {
                close();
                throw failed;
            }
        }
    }

    /** The one to run. */
    Path first() {
        return files.get(0);
    }

    @Override
    public void close() {
        for (Path file : files) {
            file.toFile().delete();
        }
        first().getParent().toFile().delete();
    }
}
